"""The feed of a storage in memory over real connections, whose buffers are small: whoever stalls shows."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import attrs
from aiohttp import web

from application.call_feed import CallFeed
from application.feed_events import FeedEvent
from application.live_overview import LiveOverview
from application.spool import Spool
from entrypoints.http.feed import FeedHandlers
from entrypoints.http.feed_encoding import FeedChunk, encode
from tests.fakes.call_changes import FakeCallChanges, FakeLiveCalls
from tests.fakes.figures import FakeFigures
from tests.fakes.journal import FakeJournal
from tests.fakes.storage import InMemoryStorage

SMALL_BYTES = 4_096
SOCKET = "/v1/events/ws"
STREAM = "/v1/events"
_HANDSHAKE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


@attrs.define(eq=False)
class FeedServer:
    storage: InMemoryStorage
    feed: CallFeed[FeedChunk]
    port: int
    runner: web.AppRunner

    @property
    def readers(self) -> int:
        return len(self.feed._readers)

    @property
    def reader_states(self) -> list[str]:
        return [reader._state.value for reader in self.feed._readers]

    @property
    def is_stalled(self) -> bool:
        """Whether a connection takes nothing more."""
        server = self.runner.server
        return server is not None and any(connection.writing_paused for connection in server.connections)

    @asynccontextmanager
    async def lazy(self, path: str, http: str = "HTTP/1.1") -> AsyncIterator[LazyReader]:
        """Somebody who reads only when told to."""
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BYTES)
        connection.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(connection, ("127.0.0.1", self.port))
        lines = [f"GET {path} {http}", "Host: x", *(_HANDSHAKE if path.endswith("/ws") else ()), "", ""]
        await loop.sock_sendall(connection, "\r\n".join(lines).encode())
        with connection:
            yield LazyReader(connection)


@attrs.define(eq=False)
class LazyReader:
    """``received`` is all that it has read."""

    _connection: socket.socket
    received: bytearray = attrs.field(factory=bytearray, init=False)

    async def read_some(self, most: int = 65_536) -> bytes:
        """Empty at the end. Raises ConnectionResetError, TimeoutError."""
        async with asyncio.timeout(10):
            some = await asyncio.get_running_loop().sock_recv(self._connection, most)
        self.received += some
        return some

    async def read_until(self, wanted: bytes, times: int = 1) -> None:
        while self.received.count(wanted) < times:
            assert await self.read_some(), "the connection ended"

    async def read_to_the_end(self) -> None:
        """Of the connection."""
        with suppress(ConnectionResetError):
            while await self.read_some():
                pass

    async def send(self, sent: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._connection, sent)

    @property
    def body(self) -> bytes:
        """What follows the head of the answer."""
        return bytes(self.received.partition(b"\r\n\r\n")[2])


@asynccontextmanager
async def feed_server(
    stalled_seconds: float = 30, chunk_of: Callable[[FeedChunk], FeedChunk] = lambda chunk: chunk
) -> AsyncIterator[FeedServer]:
    storage = InMemoryStorage()

    async def encoded(events: Sequence[FeedEvent]) -> FeedChunk:
        return chunk_of(await encode(events))

    live = FakeLiveCalls(storage)
    overview = LiveOverview(live, live, FakeFigures(), Spool(FakeJournal()), True)
    feed: CallFeed[FeedChunk] = CallFeed(
        FakeCallChanges(storage), overview, encoded, lambda chunk: chunk.byte_count
    )
    handlers = FeedHandlers(feed, stalled_seconds)
    application = web.Application()
    application.router.add_get(STREAM, handlers.events)
    application.router.add_get(SOCKET, handlers.events_socket)
    application.on_shutdown.append(handlers.end_all)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BYTES)
    await web.SockSite(runner, listening).start()
    looking = asyncio.create_task(feed.run_for_ever())
    try:
        yield FeedServer(storage, feed, listening.getsockname()[1], runner)
    finally:
        looking.cancel()
        await runner.cleanup()
        await asyncio.gather(looking, return_exceptions=True)

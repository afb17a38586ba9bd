"""A TCP way to PostgreSQL that can be slow, dark, cut and reset, and can lose a commit or its answer."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, Literal
from urllib.parse import parse_qs, urlsplit, urlunsplit

import attrs

NextCommit = Literal["passes", "never arrives", "is not answered", "is met with silence"]
_COMMIT: Final = b"COMMIT"
_CHUNK_BYTES: Final = 65_536
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
"""For SO_LINGER; see socket(7)."""


def _nobody(what: str) -> None:
    """Hears what nobody wants to know."""


@attrs.define(eq=False)
class DatabaseWay:
    """``next_commit`` is what the next COMMIT on any connection meets.

    One that never arrives is never heard of by the server; the others are carried out. After silence the
    connection stays, though nothing comes back on it any more; otherwise it is then cut. ``tell`` hears of
    each, and of each reset, when it happens.
    """

    _server_url: str
    _tell: Callable[[str], None] = _nobody
    _dice: random.Random = attrs.field(factory=random.Random)
    next_commit: NextCommit = "passes"
    latency_seconds: tuple[float, float] = (0.0, 0.0)
    """From and to: how long whatever is on the way takes, in each direction."""
    url: str = attrs.field(default="", init=False)
    _reset_at_share: float | None = attrs.field(default=None, init=False)
    _is_open: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _is_shut: bool = attrs.field(default=False, init=False)
    _links: set[_Link] = attrs.field(factory=set, init=False)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[DatabaseWay]:
        self._is_open.set()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        parts = urlsplit(self._server_url)
        login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        port = server.sockets[0].getsockname()[1]
        self.url = urlunsplit(parts._replace(netloc=f"{login}127.0.0.1:{port}", query="sslmode=disable"))
        try:
            yield self
        finally:
            server.close()
            self.cut()

    def cut(self) -> None:
        """Every connection breaks, wherever it is; new ones go through."""
        for link in tuple(self._links):
            link.abort()

    def shut(self) -> None:
        """Every connection breaks, and no new one is made until :meth:`come_back`."""
        self._is_shut = True
        self.cut()

    def reset_next(self, at_share: float) -> None:
        """The next bytes on the way, in either direction, get so far, and their connection is reset."""
        self._reset_at_share = at_share

    def go_dark(self) -> None:
        """From now on nothing gets through, not even an end, though no connection breaks."""
        self._is_open.clear()

    def come_back(self, forgotten_share: float = 0.0) -> None:
        """What was held up gets through, in order; but a share of the connections stays dark for ever."""
        for link in self._links:
            link.is_forgotten |= self._dice.random() < forgotten_share
        self._is_shut = False
        self._is_open.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._is_shut:
                raise ConnectionRefusedError
            server_reader, server_writer = await self._connect()
        except OSError:
            writer.transport.abort()
            return
        link = _Link(self, reader, writer, server_reader, server_writer)
        self._links.add(link)
        try:
            await link.carry()
        finally:
            self._links.discard(link)
            link.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self._server_url)
        folder = parse_qs(parts.query).get("host", [""])[0]
        if folder.startswith("/"):
            return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{parts.port or 5432}")
        return await asyncio.open_connection(parts.hostname, parts.port or 5432)

    async def pass_through(self) -> None:
        """Returns when what has come in may go out."""
        low, high = self.latency_seconds
        if high:
            await asyncio.sleep(self._dice.uniform(low, high))
        await self._is_open.wait()

    def take_fate(self) -> NextCommit:
        fate, self.next_commit = self.next_commit, "passes"
        if fate != "passes":
            self._tell(f"a commit {fate}")
        return fate

    def take_reset(self, passing: bytes) -> int | None:
        """After how many of these bytes their connection is reset, if it is."""
        share, self._reset_at_share = self._reset_at_share, None
        if share is None:
            return None
        at = int(share * len(passing))
        self._tell(f"a connection is reset after {at} of {len(passing)} bytes")
        return at


class _Over(Exception):
    """One end has closed, or the connection is cut."""


@attrs.define(eq=False)
class _Link:
    _way: DatabaseWay
    _from_client: asyncio.StreamReader
    _to_client: asyncio.StreamWriter
    _from_server: asyncio.StreamReader
    _to_server: asyncio.StreamWriter
    is_forgotten: bool = False
    _is_mute: bool = False
    _answered: asyncio.Event = attrs.field(factory=asyncio.Event)
    _carrying: list[asyncio.Task[None]] = attrs.field(factory=list)

    async def carry(self) -> None:
        """Until one end closes, or it is aborted."""
        for writer in (self._to_client, self._to_server):
            writer.transport.set_write_buffer_limits(0)  # what is written has left before anything breaks
        try:
            async with asyncio.TaskGroup() as both_ways:
                self._carrying.append(both_ways.create_task(self._carry_to_server()))
                self._carrying.append(both_ways.create_task(self._carry_to_client()))
        except* (OSError, _Over):
            pass

    async def _carry_to_server(self) -> None:
        while sent := await self._arrived(self._from_client):
            if _COMMIT in sent and (fate := self._way.take_fate()) != "passes":
                await self._meet(fate, sent)
            else:
                await self._pass_on(sent, self._to_server)
        raise _Over

    async def _meet(self, fate: NextCommit, commit: bytes) -> None:
        if fate == "never arrives":
            raise _Over
        self._is_mute = True
        await self._pass_on(commit, self._to_server)
        await self._answered.wait()
        if fate == "is not answered":
            raise _Over

    async def _carry_to_client(self) -> None:
        while answer := await self._arrived(self._from_server):
            if self._is_mute:
                self._answered.set()
            else:
                await self._pass_on(answer, self._to_client)
        raise _Over

    async def _arrived(self, reader: asyncio.StreamReader) -> bytes:
        """Empty for an end of any kind, which is held up like everything else."""
        try:
            arrived = await reader.read(_CHUNK_BYTES)
        except OSError:
            arrived = b""
        await self._way.pass_through()
        if self.is_forgotten:
            await asyncio.Event().wait()
        return arrived

    async def _pass_on(self, passing: bytes, writer: asyncio.StreamWriter) -> None:
        if writer.transport.is_closing():
            raise _Over
        reset_at = self._way.take_reset(passing)
        writer.write(passing[:reset_at])
        await writer.drain()
        if reset_at is not None:
            self._reset()

    def _reset(self) -> None:
        for writer in (self._to_client, self._to_server):
            end: socket.socket = writer.get_extra_info("socket")
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        raise _Over

    def abort(self) -> None:
        for task in self._carrying:
            task.cancel()
        for writer in (self._to_client, self._to_server):
            writer.transport.abort()

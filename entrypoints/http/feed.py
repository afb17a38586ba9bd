"""The feed of changes, as server-sent events and over a WebSocket."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from aiohttp import HttpVersion11, WSCloseCode, web

from application.call_feed import CallFeed
from application.errors import Draining
from application.feed_reader import FeedReader
from entrypoints.http.feed_connection import FeedConnection
from entrypoints.http.feed_encoding import MESSAGES, SERVER_SENT, SERVER_SENT_IN_CHUNKS, FeedChunk
from entrypoints.http.feed_wire import FeedQuery
from entrypoints.http.origins import refuse_foreign_pages
from entrypoints.http.queries import read_query

BEAT_SECONDS: Final = 10.0
"""Of silence; then a comment is sent, for what stands between must not take the connection for dead."""
STALLED_SECONDS: Final = 30.0
"""A client that takes no slice in so long is cut off. It can come again, and goes on where it was."""
RETRY_MILLISECONDS: Final = 2_000
CLOSE_SECONDS: Final = 2.0
LARGEST_MESSAGE_BYTES: Final = 1_024
"""Of a client over a WebSocket, which has nothing to say."""


class FeedHandlers:
    def __init__(self, feed: CallFeed[FeedChunk], stalled_seconds: float = STALLED_SECONDS) -> None:
        self._feed = feed
        self._stalled_seconds = stalled_seconds

    async def events(self, request: web.Request) -> web.StreamResponse:
        with self._feed.read(_last_event_id(request)) as reader:
            response = web.StreamResponse(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
            response.content_type = "text/event-stream"
            await response.prepare(request)
            form = SERVER_SENT_IN_CHUNKS if request.version >= HttpVersion11 else SERVER_SENT
            try:
                await response.write(b"retry: %d\n\n" % RETRY_MILLISECONDS)
                await _send_all(reader, FeedConnection(request, form, self._stalled_seconds))
            except Draining:
                pass
            except (ConnectionError, TimeoutError):  # it is gone, or takes nothing
                _cut_off(request)
        return response

    async def events_socket(self, request: web.Request) -> web.WebSocketResponse:
        refuse_foreign_pages(request.headers)
        socket = web.WebSocketResponse(
            timeout=CLOSE_SECONDS,
            heartbeat=2 * self._stalled_seconds,  # aiohttp waits half of it for the answer
            compress=False,
            max_msg_size=LARGEST_MESSAGE_BYTES,
        )
        if not socket.can_prepare(request):
            raise web.HTTPBadRequest(reason="Not a handshake of WebSocket 13")
        with self._feed.read(_last_event_id(request)) as reader:
            await socket.prepare(request)
            connection = FeedConnection(request, MESSAGES, self._stalled_seconds, lambda: socket.closed)
            sending = asyncio.create_task(_send_all(reader, connection), name="send the feed")
            hearing = asyncio.create_task(_until_closed(socket), name="hear a reader of the feed")
            try:
                await asyncio.wait({sending, hearing}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                sending.cancel()
                hearing.cancel()
                ends = await asyncio.gather(sending, hearing, return_exceptions=True)
            for end in ends:
                if isinstance(end, Draining):
                    await _close(socket, WSCloseCode.SERVICE_RESTART, b"connect again")
                elif isinstance(end, Exception) and not isinstance(end, (ConnectionError, TimeoutError)):
                    # a fault of ours, which is logged with the request
                    await _close(socket, WSCloseCode.INTERNAL_ERROR, b"the fault is logged")
                    raise end
            if not socket.closed:  # it takes nothing
                _cut_off(request)
        return socket

    async def end_all(self, application: web.Application) -> None:
        """For `on_shutdown`: readers go elsewhere, and on from where they are."""
        self._feed.end_all()


async def _send_all(reader: FeedReader[FeedChunk], connection: FeedConnection) -> None:
    """Raises Draining; ConnectionError where the client is gone, TimeoutError where it stalls."""
    while True:
        chunk = await reader.next(BEAT_SECONDS, connection.send_now)
        if chunk is None:
            await connection.beat()
        else:
            await connection.send(chunk)


async def _close(socket: web.WebSocketResponse, code: WSCloseCode, reason: bytes) -> None:
    with suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await socket.close(code=code, message=reason)


def _cut_off(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


async def _until_closed(socket: web.WebSocketResponse) -> None:
    """Whatever a client says is ignored."""
    async for _ in socket:
        pass


def _last_event_id(request: web.Request) -> str | None:
    """None, and so a snapshot, for an empty one too."""
    return request.headers.get("Last-Event-ID") or read_query(request, FeedQuery).last_event_id or None

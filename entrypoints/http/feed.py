"""The feed of changes, as server-sent events and over a WebSocket."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from aiohttp import ClientConnectionResetError, WSCloseCode, web

from application.call_feed import CallFeed
from application.errors import Draining
from application.feed_reader import FeedReader
from entrypoints.http.feed_encoding import FeedChunk
from entrypoints.http.feed_wire import FeedQuery
from entrypoints.http.queries import read_query

BEAT_SECONDS: Final = 10.0
"""Of silence; then a comment is sent, for what stands between must not take the connection for dead."""
STALLED_SECONDS: Final = 30.0
"""A client that takes nothing for so long is cut off. It can come again, and goes on where it was."""
RETRY_MILLISECONDS: Final = 2_000
CLOSE_SECONDS: Final = 2.0
LARGEST_MESSAGE_BYTES: Final = 1_024
"""Of a client over a WebSocket, which has nothing to say."""


class FeedHandlers:
    def __init__(self, feed: CallFeed[FeedChunk]) -> None:
        self._feed = feed

    async def events(self, request: web.Request) -> web.StreamResponse:
        with self._feed.read(_last_event_id(request)) as reader:
            response = web.StreamResponse(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
            response.content_type = "text/event-stream"
            await response.prepare(request)
            try:
                await _send_all(reader, response)
            except (ConnectionError, TimeoutError):  # it is gone, or takes nothing
                if request.transport is not None:
                    request.transport.abort()
        return response

    async def events_socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(
            timeout=CLOSE_SECONDS,
            heartbeat=BEAT_SECONDS,
            compress=False,
            max_msg_size=LARGEST_MESSAGE_BYTES,
        )
        if not socket.can_prepare(request):
            raise web.HTTPBadRequest(reason="Not a handshake of WebSocket 13")
        with self._feed.read(_last_event_id(request)) as reader:
            await socket.prepare(request)
            sending = asyncio.create_task(_send_all_messages(reader, socket), name="send the feed")
            hearing = asyncio.create_task(_until_closed(socket), name="hear a reader of the feed")
            try:
                await asyncio.wait({sending, hearing}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                sending.cancel()
                hearing.cancel()
                await asyncio.gather(sending, hearing, return_exceptions=True)
            if not socket.closed and request.transport is not None:  # it takes nothing
                request.transport.abort()
        return socket

    async def end_all(self, application: web.Application) -> None:
        """For `on_shutdown`: readers go elsewhere, and on from where they are."""
        self._feed.end_all()


async def _send_all(reader: FeedReader[FeedChunk], response: web.StreamResponse) -> None:
    """Until the process ends. Raises ConnectionError where the client is gone, TimeoutError if it stalls."""
    await response.write(b"retry: %d\n\n" % RETRY_MILLISECONDS)
    while True:
        try:
            chunk = await reader.next(BEAT_SECONDS)
        except Draining:
            return
        to_send = b": beat\n\n" if chunk is None else chunk.server_sent
        if to_send:
            async with asyncio.timeout(STALLED_SECONDS):
                await response.write(to_send)


async def _send_all_messages(reader: FeedReader[FeedChunk], socket: web.WebSocketResponse) -> None:
    with suppress(ClientConnectionResetError, TimeoutError):
        while True:
            try:
                chunk = await reader.next(BEAT_SECONDS)
            except Draining:
                await socket.close(code=WSCloseCode.SERVICE_RESTART, message=b"connect again")
                return
            for message in () if chunk is None else chunk.messages:
                async with asyncio.timeout(STALLED_SECONDS):
                    await socket.send_str(message)


async def _until_closed(socket: web.WebSocketResponse) -> None:
    """Whatever a client says is ignored."""
    async for _ in socket:
        pass


def _last_event_id(request: web.Request) -> str | None:
    """None, and so a snapshot, for an empty one too."""
    return request.headers.get("Last-Event-ID") or read_query(request, FeedQuery).last_event_id or None

"""The connection of one who reads the feed: past aiohttp, which would make the same bytes for each anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import attrs
from aiohttp import web

from entrypoints.http.feed_encoding import FeedChunk, FeedForm


def _never() -> bool:
    return False


@attrs.frozen(eq=False)
class FeedConnection:
    """``is_closed`` may know earlier than the transport that nothing may follow.

    ``beat`` and ``send`` raise ConnectionError where the client is gone, and TimeoutError where it does not
    take a slice in ``stalled_seconds``.
    """

    _request: web.Request
    _form: FeedForm
    _stalled_seconds: float
    _is_closed: Callable[[], bool] = _never

    def send_now(self, chunk: FeedChunk) -> bool:
        """Whether it was sent: where it is small, and nothing from before waits in this process."""
        slices = self._form.slices(chunk)
        transport = self._transport()
        if len(slices) != 1 or transport is None or transport.get_write_buffer_size():
            return False
        transport.write(slices[0])
        return True

    async def send(self, chunk: FeedChunk) -> None:
        for some in self._form.slices(chunk):
            await self._write(some)

    async def beat(self) -> None:
        await self._write(self._form.beat)

    async def _write(self, some: bytes | memoryview) -> None:
        transport = self._transport()
        if transport is None:
            raise ConnectionResetError("the client is gone")
        transport.write(some)
        async with asyncio.timeout(self._stalled_seconds):
            await self._request.writer.drain()

    def _transport(self) -> asyncio.Transport | None:
        transport = self._request.transport
        return None if transport is None or transport.is_closing() or self._is_closed() else transport

"""Noticing that nobody is at the other end of a WebSocket any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import attrs
from aiohttp import ClientConnectionResetError, web

PING_SECONDS: Final = 20
"""Of silence."""
PONG_SECONDS: Final = 10
"""A client from which nothing comes within this after a ping is gone."""


@attrs.define(eq=False)
class Heartbeat:
    """Not aiohttp's own, for that takes it for silence where nobody listens."""

    _socket: web.WebSocketResponse
    _cut_off: Callable[[], None]
    listens: bool = attrs.field(default=True, init=False)
    """Whether anything that came would be heard; where not, silence does not count."""
    _loop: asyncio.AbstractEventLoop = attrs.field(factory=asyncio.get_running_loop, init=False)
    _heard_at: float = attrs.field(init=False)

    @_heard_at.default
    def _heard_when_it_connected(self) -> float:
        return self._loop.time()

    def hear(self) -> float:
        """Something came: when that was, by the loop's clock."""
        self._heard_at = self._loop.time()
        return self._heard_at

    async def watch(self) -> None:
        """Returns when it has cut off a client that says nothing and does not answer either."""
        while True:
            await self._silence()
            pinged_at = self._loop.time()
            await self._ping()
            if self.listens and self._heard_at < pinged_at:
                self._cut_off()
                return

    async def _silence(self) -> None:
        while True:
            left = self._heard_at + PING_SECONDS - self._loop.time()
            if left <= 0 and self.listens:
                return
            await asyncio.sleep(max(1, left))

    async def _ping(self) -> None:
        """It may take as long as the answer to be sent."""
        with suppress(TimeoutError, ClientConnectionResetError):
            async with asyncio.timeout(PONG_SECONDS):
                await self._socket.ping()
                await asyncio.sleep(PONG_SECONDS)

"""Waiting for a condition, never for luck."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], bool], within_seconds: float = 20) -> None:
    """Raises TimeoutError where it does not come true."""
    async with asyncio.timeout(within_seconds):
        while not condition():  # noqa: ASYNC110 # whoever makes it true knows of no event
            await asyncio.sleep(0.005)


async def until_found(condition: Callable[[], Awaitable[bool]], within_seconds: float = 20) -> None:
    """The same for a condition that has to be asked for."""
    async with asyncio.timeout(within_seconds):
        while not await condition():  # noqa: ASYNC110 # the same
            await asyncio.sleep(0.02)

"""Work that takes long with many things, in turns with everything else that the process does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Final, TypeVar

T = TypeVar("T")

THINGS_PER_TURN: Final = 25
"""Of the feed's things each takes some 10 to 30 microseconds: a packet waits for less than a millisecond."""


async def in_turns(things: Iterable[T]) -> AsyncIterator[T]:
    """The things one by one; after so many of them whatever else is ready has its turn."""
    for number, thing in enumerate(things, 1):
        yield thing
        if number % THINGS_PER_TURN == 0:
            await asyncio.sleep(0)

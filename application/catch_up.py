"""What readers missed: read and encoded once for all who missed the same, and bounded in all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar
from weakref import WeakSet

import attrs

from application.errors import StorageUnavailable
from application.feed_events import FeedEvent
from application.feed_ports import CallChanges

T = TypeVar("T")

MOST_CHANGES: Final = 5_000
"""More are not told one by one: a snapshot stands for them."""
CATCH_UPS_AT_ONCE: Final = 2
CATCH_UP_SECONDS: Final = 10.0
CHANGES_PER_CHUNK: Final = 250
"""Some 60 kB: a reader takes one while the rest waits here, and not once more in its connection."""
MOST_BYTES_HELD: Final = 64 * 1024 * 1024
"""Of what is held for those who catch up, all of it together. Who comes then gets a snapshot."""

log = logging.getLogger(__name__)


@attrs.define(eq=False)
class CatchUp(Generic[T]):
    """What those missed who stood at one place and joined in one look. It is held as long as they hold it."""

    _read: Callable[[CatchUp[T]], Awaitable[Sequence[T] | None]]
    after: str
    until: str
    byte_count: int = attrs.field(default=0, init=False)
    _readers: int = attrs.field(default=0, init=False)
    _reading: asyncio.Task[Sequence[T] | None] | None = attrs.field(default=None, init=False)

    @property
    def is_wanted(self) -> bool:
        return self._readers > 0

    def join(self) -> None:
        self._readers += 1

    def leave(self) -> None:
        self._readers -= 1

    async def chunks(self) -> Sequence[T] | None:
        """None where a snapshot must stand for it. Who does not wait for it may ask again.

        Raises StorageUnavailable.
        """
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._read(self))
        return await asyncio.shield(self._reading)


@attrs.define(eq=False)
class CatchUps(Generic[T]):
    """``encode`` makes of events what readers are sent, ``size_of`` says how many bytes that are."""

    _changes: CallChanges
    _encode: Callable[[Sequence[FeedEvent]], Awaitable[T]]
    _size_of: Callable[[T], int]
    _at_once: asyncio.Semaphore = attrs.field(
        factory=lambda: asyncio.Semaphore(CATCH_UPS_AT_ONCE), init=False
    )
    _held: WeakSet[CatchUp[T]] = attrs.field(factory=WeakSet, init=False)

    def begin(self, after: str, until: str) -> CatchUp[T]:
        """For all who stood at ``after`` when they were taken in at ``until``. Read once one of them asks."""
        return CatchUp(self._chunks, after, until)

    async def _chunks(self, catch_up: CatchUp[T]) -> Sequence[T] | None:
        async with self._at_once:
            if not catch_up.is_wanted or sum(each.byte_count for each in self._held) > MOST_BYTES_HELD:
                return None
            try:
                async with asyncio.timeout(CATCH_UP_SECONDS):
                    chunks = await self._missed(catch_up)
            except TimeoutError as error:
                raise StorageUnavailable from error
            except StorageUnavailable:
                raise
            except Exception:  # whatever it was, a snapshot stands for it
                log.exception("what readers missed cannot be told")
                return None
        catch_up.byte_count = sum(map(self._size_of, chunks or ()))
        self._held.add(catch_up)
        return chunks

    async def _missed(self, catch_up: CatchUp[T]) -> Sequence[T] | None:
        missed = await self._changes.between(catch_up.after, catch_up.until, MOST_CHANGES)
        if missed is None:
            return None
        parts = [
            missed[first : first + CHANGES_PER_CHUNK] for first in range(0, len(missed), CHANGES_PER_CHUNK)
        ]
        return [await self._encode(part) for part in parts]

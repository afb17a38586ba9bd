"""One who reads the feed, and what waits for it: bounded, whatever it does."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from enum import Enum, unique
from typing import Final, Generic, TypeVar

import attrs

from application.catch_up import CatchUp
from application.errors import Draining, StorageUnavailable

T = TypeVar("T")

MOST_WAITING_BYTES: Final = 1024 * 1024
"""Of what waits for one reader. It is shared with all others; what it costs is the sending."""


def nothing_can_be_sent(_: object) -> bool:
    return False


@unique
class _State(Enum):
    JOINS = "joins"  # the next look takes it in, with a snapshot, or from where it stands
    LACKS = "lacks"  # it is told what is new, but first what it missed
    READS = "reads"
    LOST = "lost"  # it did not read; once it does again it joins, with a snapshot


@attrs.define(eq=False)
class FeedReader(Generic[T]):
    """``place`` is where it stands that has not joined yet; None: it needs a snapshot."""

    place: str | None
    _on_join: Callable[[], None]
    _state: _State = attrs.field(default=_State.JOINS, init=False)
    _lacking: CatchUp[T] | None = attrs.field(default=None, init=False)
    _missed: Iterator[T] | None = attrs.field(default=None, init=False)
    _waiting: deque[tuple[T, int]] = attrs.field(factory=deque, init=False)
    _waiting_bytes: int = attrs.field(default=0, init=False)
    _arrived: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _send_now: Callable[[T], bool] = attrs.field(default=nothing_can_be_sent, init=False)
    _silent_since: float = attrs.field(default=0.0, init=False)
    _is_over: bool = attrs.field(default=False, init=False)

    async def next(
        self, within_seconds: float, send_now: Callable[[T], bool] = nothing_can_be_sent
    ) -> T | None:
        """What is to be sent now. None after so long a silence. Raises Draining.

        What is told meanwhile is offered to ``send_now``, which says whether it has sent it. What it has sent
        is not returned: many who read are told at a fraction of what it costs to wake them all.
        """
        loop = asyncio.get_running_loop()
        self._silent_since = loop.time()
        while (rest := self._silent_since + within_seconds - loop.time()) > 0:
            silence = asyncio.timeout(rest)
            try:
                async with silence:
                    return await self._next(send_now)
            except TimeoutError:
                if not silence.expired():
                    raise
        return None

    async def _next(self, send_now: Callable[[T], bool]) -> T:
        while True:
            if self._is_over:
                raise Draining
            if self._lacking is not None:
                missed = await self._next_missed(self._lacking)
                if missed is not None:
                    return missed
                continue
            if self._waiting:
                chunk, byte_count = self._waiting.popleft()
                self._waiting_bytes -= byte_count
                return chunk
            if self._state is _State.LOST:
                self._join(None)
            await self._until_told(send_now)

    async def _until_told(self, send_now: Callable[[T], bool]) -> None:
        self._arrived.clear()
        self._send_now = send_now
        try:
            await self._arrived.wait()
        finally:
            self._send_now = nothing_can_be_sent

    async def _next_missed(self, lacking: CatchUp[T]) -> T | None:
        """None where that was all, or it is told otherwise."""
        if self._missed is None:
            try:
                chunks = await lacking.chunks()
            except StorageUnavailable:
                chunks = None
                place: str | None = lacking.after
            else:
                place = None
            if self._lacking is not lacking:  # it was lost meanwhile, or needs a snapshot
                return None
            if chunks is None:
                self._drop_what_waits()
                self._join(place)
                return None
            self._missed = iter(chunks)
        missed = next(self._missed, None)
        if missed is None:
            self._turn(_State.READS)
        return missed

    def _join(self, place: str | None) -> None:
        self.place = place
        self._turn(_State.JOINS)
        self._on_join()

    def _turn(self, state: _State, lacking: CatchUp[T] | None = None) -> None:
        if self._lacking is not None:
            self._lacking.leave()
        if lacking is not None:
            lacking.join()
        self._state = state
        self._lacking = lacking
        self._missed = None

    # -- for the feed ------------------------------------------------------------------------------------

    @property
    def joins(self) -> bool:
        return self._state is _State.JOINS

    @property
    def is_told(self) -> bool:
        """Whether it is to be told what is new."""
        return self._state in (_State.READS, _State.LACKS)

    def catch_up(self, lacking: CatchUp[T]) -> None:
        """From now on it is told what is new, and first what it missed before."""
        self._turn(_State.LACKS, lacking)
        self._arrived.set()

    def begin(self, snapshot: T, byte_count: int) -> None:
        """From now on it is told what is new after the snapshot."""
        self._turn(_State.READS)
        self._put(snapshot, byte_count)

    def tell(self, chunk: T, byte_count: int) -> None:
        """It is sent or waits to be, where it is to be told; where too much waits, all of it is lost."""
        if self.is_told:
            self._send_or_put(chunk, byte_count)

    def tell_of_trouble(self, chunk: T, byte_count: int) -> None:
        """The same for what has no place, and so can be told also to one that has still to join."""
        if self.is_told or self.joins:
            self._send_or_put(chunk, byte_count)

    def _send_or_put(self, chunk: T, byte_count: int) -> None:
        """Not before what has arrived already, for which it is about to wake."""
        if not self._arrived.is_set() and self._send_now(chunk):
            self._silent_since = asyncio.get_running_loop().time()
        else:
            self._put(chunk, byte_count)

    def _put(self, chunk: T, byte_count: int) -> None:
        if self._waiting and self._waiting_bytes + byte_count > MOST_WAITING_BYTES:
            self._drop_what_waits()
            self._turn(_State.LOST)
            return
        self._waiting.append((chunk, byte_count))
        self._waiting_bytes += byte_count
        self._arrived.set()

    def needs_snapshot(self) -> None:
        """What is new cannot be told it, and so it must not be told what waits: that would leave a gap."""
        self._drop_what_waits()
        self._join(None)

    def end(self) -> None:
        self._is_over = True
        self._arrived.set()

    def leave(self) -> None:
        """It reads no more."""
        self._turn(_State.LOST)

    def _drop_what_waits(self) -> None:
        self._waiting.clear()
        self._waiting_bytes = 0

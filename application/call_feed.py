"""The feed of changes: one look at the storage for all who read it in this process.

Looks are taken only while somebody reads. What a look finds is made into bytes once, and the bytes go to all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Final, Generic, TypeVar

import attrs

from application.call_counts import CallCounts
from application.catch_up import MOST_CHANGES, CatchUp, CatchUps
from application.errors import Draining, Overloaded, StorageUnavailable
from application.feed_events import FeedEvent, SnapshotTaken
from application.feed_ports import CallChanges, Moment
from application.feed_reader import FeedReader
from application.live_overview import MOST_LIVE_CALLS, LiveOverview
from domain.call_state import CallState

T = TypeVar("T")

LOOK_SECONDS: Final = 0.34
"""From an answer of the storage to the next question, whatever is told meanwhile. Three are a second and a
little more, so that what goes on once a second is due without a look of its own."""
SHORTEST_PAUSE_SECONDS: Final = 0.02
SNAPSHOT_SECONDS: Final = 0.4
"""Snapshots are not taken more often: who wants one waits for others who do."""
DATABASE_SECONDS: Final = 2.0
"""A look that takes longer counts as failed."""
MOST_READERS: Final = 1_000
READERS_TOLD_AT_ONCE: Final = 8
BYTES_TOLD_AT_ONCE: Final = 1024 * 1024
"""Then others have their turn, so that no packet waits for all who read."""
TELLING_SECONDS: Final = 0.08
"""Over which all are told, for packets to be taken meanwhile as fast as ever."""
SHORTEST_TURN_SECONDS: Final = 0.001


@attrs.define(eq=False)
class CallFeed(Generic[T]):
    """``encode`` makes of events what readers are sent, ``size_of`` says how many bytes that are."""

    _changes: CallChanges
    _overview: LiveOverview
    _encode: Callable[[Sequence[FeedEvent]], Awaitable[T]]
    _size_of: Callable[[T], int]
    _counts: CallCounts = attrs.field(init=False)
    _catch_ups: CatchUps[T] = attrs.field(init=False)
    _readers: set[FeedReader[T]] = attrs.field(factory=set, init=False)
    _is_wanted: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _is_draining: bool = attrs.field(default=False, init=False)
    _place: str | None = attrs.field(default=None, init=False)
    _looked_at: float = attrs.field(default=0.0, init=False)
    _snapshot_at: float = attrs.field(default=0.0, init=False)
    _goes_on: Sequence[FeedEvent] = attrs.field(default=(), init=False)
    """Sent with the next changes, for what each sending to everybody costs."""

    def __attrs_post_init__(self) -> None:
        self._counts = CallCounts(self._changes)
        self._catch_ups = CatchUps(self._changes, self._encode, self._size_of)

    # -- reading -----------------------------------------------------------------------------------------

    @contextmanager
    def read(self, after: str | None) -> Iterator[FeedReader[T]]:
        """Everything after the place ``after``; without one, from a snapshot. Raises Overloaded, Draining."""
        if self._is_draining:
            raise Draining
        if len(self._readers) >= MOST_READERS:
            raise Overloaded(f"{MOST_READERS} read the feed of this process already")
        reader: FeedReader[T] = FeedReader(after, self._is_wanted.set)
        self._readers.add(reader)
        self._is_wanted.set()
        try:
            yield reader
        finally:
            self._readers.discard(reader)
            reader.leave()

    def end_all(self) -> None:
        """Everybody is to read elsewhere."""
        self._is_draining = True
        for reader in self._readers:
            reader.end()

    # -- looking -----------------------------------------------------------------------------------------

    async def run_for_ever(self) -> None:
        """Look whenever it is time, while anybody reads."""
        try:
            while True:
                if not self._readers:
                    await self._until_somebody_reads()
                self._is_wanted.clear()
                await self.look()
                await self._until_next()
        finally:
            self._counts.give_up()

    async def _until_somebody_reads(self) -> None:
        """Who comes then is not to pay for what nobody was told."""
        self._is_wanted.clear()
        self._place = None
        self._goes_on = ()
        self._overview.forget()
        await self._is_wanted.wait()

    async def _until_next(self) -> None:
        """Sooner where somebody wants to join, or the second is over."""
        await asyncio.sleep(SHORTEST_PAUSE_SECONDS)
        rest = self._looked_at + LOOK_SECONDS - asyncio.get_running_loop().time()
        with suppress(TimeoutError):
            async with asyncio.timeout(min(rest, self._overview.due_in_seconds)):
                await self._is_wanted.wait()

    async def look(self) -> None:
        """Tell everybody what is new, and take in who joins; and then ask, once a second, what goes on."""
        try:
            at = await self._look_for_changes()
        except BaseException as error:
            self._begin_anew()
            if isinstance(error, Exception):
                with suppress(Exception):  # the same may go wrong again; it is told where it began
                    await self._tell_of_trouble()
            raise
        if at is None:
            await self._tell_of_trouble()
        elif self._overview.due_in_seconds <= 0:
            self._goes_on = await self._overview.take(at, self._counts.by_state)

    async def _look_for_changes(self) -> datetime | None:
        """When that was by the database's clock. None where it does not answer: all is as it was then."""
        await self._counts.before_look()
        # Not those who come while it is taken: where they stand may be later than what it sees.
        joining = [reader for reader in self._readers if reader.joins]
        most_live = MOST_LIVE_CALLS if self._is_time_for_snapshot(joining) else 0
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                moment = await self._changes.moment(self._place, MOST_CHANGES, most_live)
        except (StorageUnavailable, TimeoutError):
            self._counts.give_up()
            return None
        finally:
            self._looked_at = asyncio.get_running_loop().time()
        before, self._place = self._place, moment.place
        told = [reader for reader in self._readers if reader.is_told]
        if moment.changes is None:
            for reader in told:
                reader.needs_snapshot()
            joining += told
        counts = await self._counts.go_on(before, moment)
        await self._tell([*self._what_goes_on(), *(moment.changes or ())], told)
        await self._take_in(joining, moment, counts)
        return moment.at

    def _is_time_for_snapshot(self, joining: Sequence[FeedReader[T]]) -> bool:
        """Whether somebody wants one, it is not too soon, and it would be whole."""
        is_time = asyncio.get_running_loop().time() - self._snapshot_at >= SNAPSHOT_SECONDS
        return (
            is_time and self._counts.by_state is not None and any(reader.place is None for reader in joining)
        )

    def _begin_anew(self) -> None:
        """Who was told what is not known: a snapshot stands for it."""
        self._place = None
        self._counts.forget()
        for reader in self._readers:
            if reader.is_told:
                reader.needs_snapshot()

    # -- telling -----------------------------------------------------------------------------------------

    async def _tell(self, events: Sequence[FeedEvent], readers: Sequence[FeedReader[T]]) -> None:
        if events and readers:
            chunk = await self._encode(events)
            byte_count = self._size_of(chunk)
            async for reader in _a_few_at_once(readers, byte_count):
                reader.tell(chunk, byte_count)

    def _what_goes_on(self) -> Sequence[FeedEvent]:
        """Once; what is in it may be found only once."""
        events, self._goes_on = self._goes_on, ()
        return events

    async def _tell_of_trouble(self) -> None:
        if self._overview.due_in_seconds > 0:
            return
        trouble = self._overview.trouble(datetime.now(UTC), self._counts.by_state)
        chunk = await self._encode([*self._what_goes_on(), trouble])
        byte_count = self._size_of(chunk)
        async for reader in _a_few_at_once([*self._readers], byte_count):
            reader.tell_of_trouble(chunk, byte_count)

    async def _take_in(
        self, joining: Sequence[FeedReader[T]], moment: Moment, counts: Mapping[CallState, int] | None
    ) -> None:
        self._take_in_from_places([reader for reader in joining if reader.place is not None], moment.place)
        if moment.live is None or counts is None:
            return
        self._snapshot_at = asyncio.get_running_loop().time()
        ai = await self._overview.ai()
        snapshot = await self._encode([SnapshotTaken(moment.place, moment.at, counts, moment.live, ai)])
        byte_count = self._size_of(snapshot)
        wanting = [reader for reader in joining if reader.place is None]
        async for reader in _a_few_at_once(wanting, byte_count):
            reader.begin(snapshot, byte_count)

    def _take_in_from_places(self, joining: Sequence[FeedReader[T]], until: str) -> None:
        """Who stands at the same place misses the same."""
        catch_ups: dict[str, CatchUp[T]] = {}
        for reader in joining:
            assert reader.place is not None, "chosen for it"
            if reader.place not in catch_ups:
                catch_ups[reader.place] = self._catch_ups.begin(reader.place, until)
            reader.catch_up(catch_ups[reader.place])


async def _a_few_at_once(readers: Sequence[FeedReader[T]], byte_count: int) -> AsyncIterator[FeedReader[T]]:
    """What is told them is sent in the pauses."""
    at_once = max(1, min(READERS_TOLD_AT_ONCE, BYTES_TOLD_AT_ONCE // max(1, byte_count)))
    pause_seconds = max(SHORTEST_TURN_SECONDS, TELLING_SECONDS * at_once / max(1, len(readers)))
    for number, reader in enumerate(readers, 1):
        yield reader
        if number % at_once == 0 and number < len(readers):
            await asyncio.sleep(pause_seconds)

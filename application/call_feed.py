"""The feed of changes: one look at the storage for all who read it in this process.

Looks are taken only while somebody reads. What a look finds is made into bytes once, and the bytes go to all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, Generic, TypeVar

import attrs

from application.errors import Draining, Overloaded, StorageUnavailable
from application.feed_events import AiHealth, FeedEvent, OverviewTaken, SnapshotTaken
from application.feed_figures import NOTHING_YET, Rates, rates_between
from application.feed_ports import (
    AiBacklog,
    AiBacklogReader,
    CallChanges,
    Change,
    Figures,
    FiguresReader,
    LiveCalls,
    Moment,
)
from application.feed_reader import FeedReader
from application.live_progress import LiveProgress
from application.spool import Spool
from domain.call_state import CallState

T = TypeVar("T")
R = TypeVar("R")

LOOK_SECONDS: Final = 0.2
OVERVIEW_SECONDS: Final = 1.0
SNAPSHOT_SECONDS: Final = 0.4
"""Snapshots are not taken more often: who wants one waits for others who do."""
DATABASE_SECONDS: Final = 2.0
"""A look that takes longer counts as failed."""
COUNT_AGAIN_SECONDS: Final = 600.0
"""Counts follow the changes; counting them anew is for what no change tells."""
MOST_CHANGES: Final = 5_000
"""More are not told one by one: a snapshot stands for them."""
MOST_LIVE_CALLS: Final = 1_000
MOST_READERS: Final = 1_000
HEARD_WITHIN_SECONDS: Final = 10.0
SHORTEST_PAUSE_SECONDS: Final = 0.02
READERS_TOLD_AT_ONCE: Final = 10
"""Then others have their turn, so that no packet waits for all who read."""
MOST_THINGS_AT_ONCE: Final = 50
"""A call or an event takes some 25 microseconds."""
CATCH_UPS_AT_ONCE: Final = 2
BACKLOG_SHARE: Final = 0.05
"""Of the time goes to reading the AI's backlog, at most."""


@attrs.define(eq=False)
class CallFeed(Generic[T]):
    """``encode`` makes of events what readers are sent, ``size_of`` says how many bytes that are."""

    _changes: CallChanges
    _live: LiveCalls
    _backlog: AiBacklogReader
    _figures: FiguresReader
    _spool: Spool
    _ai_is_configured: bool
    _encode: Callable[[Sequence[FeedEvent]], T]
    _size_of: Callable[[T], int]
    _readers: set[FeedReader[T]] = attrs.field(factory=set, init=False)
    _is_wanted: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _catching_up: asyncio.Semaphore = attrs.field(
        factory=lambda: asyncio.Semaphore(CATCH_UPS_AT_ONCE), init=False
    )
    _is_draining: bool = attrs.field(default=False, init=False)
    _place: str | None = attrs.field(default=None, init=False)
    _counts: dict[CallState, int] | None = attrs.field(default=None, init=False)
    _counted_at: float = attrs.field(default=0.0, init=False)
    _snapshot_at: float = attrs.field(default=0.0, init=False)
    _overview_at: float = attrs.field(default=0.0, init=False)
    _is_away: bool = attrs.field(default=False, init=False)
    _progress: LiveProgress = attrs.field(factory=LiveProgress, init=False)
    _figures_before: tuple[float, Figures] | None = attrs.field(default=None, init=False)
    _rates: Rates = attrs.field(default=NOTHING_YET, init=False)
    _ai_backlog: AiBacklog | None = attrs.field(default=None, init=False)
    _backlog_again_at: float = attrs.field(default=0.0, init=False)

    # -- reading -----------------------------------------------------------------------------------------

    @contextmanager
    def read(self, after: str | None) -> Iterator[FeedReader[T]]:
        """Everything after the place ``after``; without one, from a snapshot. Raises Overloaded, Draining."""
        if self._is_draining:
            raise Draining
        if len(self._readers) >= MOST_READERS:
            raise Overloaded(f"{MOST_READERS} read the feed of this process already")
        reader = FeedReader(after, self._catch_up, self._is_wanted.set)
        self._readers.add(reader)
        self._is_wanted.set()
        try:
            yield reader
        finally:
            self._readers.discard(reader)

    def end_all(self) -> None:
        """Everybody is to read elsewhere."""
        self._is_draining = True
        for reader in self._readers:
            reader.end()

    async def _catch_up(self, after: str, until: str) -> T | None:
        async with self._catching_up:
            missed = await self._changes.between(after, until, MOST_CHANGES)
        return None if missed is None else self._encode(missed)

    # -- looking -----------------------------------------------------------------------------------------

    async def run_for_ever(self) -> None:
        """Look whenever it is time, while anybody reads."""
        while True:
            if not self._readers:
                self._is_wanted.clear()
                self._figures_before = None
                await self._is_wanted.wait()
            self._is_wanted.clear()
            await self.look()
            await self._until_next()

    async def _until_next(self) -> None:
        """Sooner where somebody wants to join."""
        await asyncio.sleep(SHORTEST_PAUSE_SECONDS)
        try:
            async with asyncio.timeout(LOOK_SECONDS - SHORTEST_PAUSE_SECONDS):
                await self._is_wanted.wait()
        except TimeoutError:
            return

    async def look(self) -> None:
        """Tell everybody what is new, and take in who joins."""
        now = asyncio.get_running_loop().time()
        is_overview_due = now - self._overview_at >= OVERVIEW_SECONDS - LOOK_SECONDS / 2
        if is_overview_due:
            self._overview_at = now
            self._look_at_figures(now)
        # Not those who come while it is taken: where they stand may be later than what it sees.
        joining = [reader for reader in self._readers if reader.joins]
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                moment = await self._moment(now, self._takes_snapshot(joining, now))
                lively = await self._lively(moment, now) if is_overview_due else []
        except (StorageUnavailable, TimeoutError):
            self._tell_of_trouble(is_overview_due)
            return
        self._is_away = False
        self._place = moment.place
        overview = [self._overview(moment.at)] if is_overview_due else []
        told = [reader for reader in self._readers if reader.is_told]
        if moment.changes is None:
            for reader in told:
                reader.needs_snapshot()
            joining += told
        else:
            await self._tell([*moment.changes, *lively, *overview], told)
        await self._take_in(joining, moment, now)

    def _takes_snapshot(self, joining: Sequence[FeedReader[T]], now: float) -> bool:
        """Whether somebody wants one, and it is time."""
        is_time = now - self._snapshot_at >= SNAPSHOT_SECONDS
        return is_time and any(reader.place is None for reader in joining)

    async def _moment(self, now: float, wants_snapshot: bool) -> Moment:
        is_time = self._counts is None or now - self._counted_at > COUNT_AGAIN_SECONDS
        live = MOST_LIVE_CALLS if wants_snapshot else 0
        moment = await self._changes.moment(self._place, MOST_CHANGES, is_time, live)
        if moment.changes is None:  # all need a snapshot then
            moment = attrs.evolve(
                await self._changes.moment(None, MOST_CHANGES, True, MOST_LIVE_CALLS), changes=None
            )
        if moment.counts is not None:
            self._counts = dict(moment.counts)
            self._counted_at = now
        elif self._counts is not None:
            _follow(self._counts, moment.changes or ())
        return moment

    async def _lively(self, moment: Moment, now: float) -> list[FeedEvent]:
        """What goes on, be it no change of a call's history."""
        calls = await self._live.receiving(HEARD_WITHIN_SECONDS, MOST_LIVE_CALLS)
        if now >= self._backlog_again_at:
            loop = asyncio.get_running_loop()
            began = loop.time()
            self._ai_backlog = await self._backlog.ai_backlog()
            self._backlog_again_at = loop.time() + (loop.time() - began) / BACKLOG_SHARE
        return [*await _apart(len(calls), lambda: self._progress.look(calls, moment.at))]

    def _look_at_figures(self, now: float) -> None:
        figures = self._figures.figures()
        if self._figures_before is not None:
            at, before = self._figures_before
            self._rates = rates_between(before, figures, max(now - at, LOOK_SECONDS))
        self._figures_before = now, figures

    # -- telling -----------------------------------------------------------------------------------------

    async def _tell(self, events: Sequence[FeedEvent], readers: Sequence[FeedReader[T]]) -> None:
        if not events or not readers:
            return
        chunk = await _apart(len(events), lambda: self._encode(events))
        byte_count = self._size_of(chunk)
        for number, reader in enumerate(readers, 1):
            reader.tell(chunk, byte_count)
            if number % READERS_TOLD_AT_ONCE == 0:
                await asyncio.sleep(0.001)

    def _tell_of_trouble(self, is_overview_due: bool) -> None:
        self._is_away = True
        self._ai_backlog = None
        self._backlog_again_at = 0.0
        if is_overview_due:
            chunk = self._encode([self._overview(datetime.now(UTC))])
            for reader in self._readers:
                reader.tell_of_trouble(chunk, self._size_of(chunk))

    async def _take_in(self, joining: Sequence[FeedReader[T]], moment: Moment, now: float) -> None:
        snapshot: tuple[T, int] | None = None
        if moment.live is not None and self._counts is not None:
            self._snapshot_at = now
            told = SnapshotTaken(moment.place, moment.at, dict(self._counts), moment.live, self._ai())
            chunk = await _apart(len(moment.live), lambda: self._encode([told]))
            snapshot = chunk, self._size_of(chunk)
        for reader in joining:
            if reader.place is not None:
                reader.catch_up(moment.place)
            elif snapshot is not None:
                reader.begin(*snapshot)

    def _overview(self, at: datetime) -> OverviewTaken:
        return OverviewTaken(
            at=at,
            counts=dict(self._counts) if self._counts is not None else None,
            packets_per_second=self._rates.packets_per_second,
            ack_p50_seconds=self._rates.ack_p50_seconds,
            ack_p99_seconds=self._rates.ack_p99_seconds,
            ai=self._ai(),
            is_degraded=self._is_away or self._spool.is_spooling,
            spooled_requests=self._spool.requests,
        )

    def _ai(self) -> AiHealth:
        figures = self._figures_before[1] if self._figures_before else None
        backlog = self._ai_backlog
        return AiHealth(
            is_configured=self._ai_is_configured,
            attempts=figures.ai_attempts if figures else 0,
            failures=figures.ai_failures if figures else 0,
            waiting=backlog.waiting if backlog else None,
            processing=backlog.processing if backlog else None,
            oldest_waiting_seconds=backlog.oldest_seconds if backlog else None,
        )


async def _apart(things: int, work: Callable[[], R]) -> R:
    """Work that takes long with many things goes on beside the packets' requests, and not in their place."""
    return work() if things <= MOST_THINGS_AT_ONCE else await asyncio.to_thread(work)


def _follow(counts: dict[CallState, int], changes: Sequence[Change]) -> None:
    for change in changes:
        if change.state_before is not None:
            counts[change.state_before] -= 1
        counts[change.recorded.state] += 1

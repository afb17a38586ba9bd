"""What the feed tells once a second, and which is no part of a call's history: what goes on, and how well."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import attrs

from application.errors import StorageUnavailable
from application.feed_events import AiHealth, CallProgressed, FeedEvent, GapStood, OverviewTaken
from application.feed_figures import NOTHING_YET, Rates, rates_between
from application.feed_ports import AiBacklog, AiBacklogReader, Figures, FiguresReader, LiveCalls
from application.live_progress import LiveProgress
from application.share_of_time import ShareOfTime
from application.spool import Spool
from domain.call_state import CallState

OVERVIEW_SECONDS: Final = 1.0
HEARD_WITHIN_SECONDS: Final = 10.0
MOST_LIVE_CALLS: Final = 1_000
ANSWER_SECONDS: Final = 1.0
"""What takes longer is left out: changes wait for it."""
RECEIVING_SHARE: Final = 0.1
BACKLOG_SHARE: Final = 0.05
"""Of the time goes to reading the AI's backlog, at most."""

log = logging.getLogger(__name__)


@attrs.define(eq=False)
class LiveOverview:
    """Progress, gaps and the overview. What cannot be had of it is left out, and asked for less often."""

    _live: LiveCalls
    _backlog: AiBacklogReader
    _figures: FiguresReader
    _spool: Spool
    _ai_is_configured: bool
    _progress: LiveProgress = attrs.field(factory=LiveProgress, init=False)
    _figures_before: tuple[float, Figures] | None = attrs.field(default=None, init=False)
    _rates: Rates = attrs.field(default=NOTHING_YET, init=False)
    _ai_backlog: AiBacklog | None = attrs.field(default=None, init=False)
    _receiving_time: ShareOfTime = attrs.field(factory=lambda: ShareOfTime(RECEIVING_SHARE), init=False)
    _backlog_time: ShareOfTime = attrs.field(factory=lambda: ShareOfTime(BACKLOG_SHARE), init=False)
    _due_at: float = attrs.field(default=0.0, init=False)

    @property
    def due_in_seconds(self) -> float:
        """Not more than 0 where it is due."""
        return self._due_at - asyncio.get_running_loop().time()

    def forget(self) -> None:
        """Nobody reads. Whoever does later is to be told of its own time."""
        self._progress = LiveProgress()
        self._figures_before = None
        self._rates = NOTHING_YET
        self._ai_backlog = None
        self._due_at = 0.0

    async def take(self, at: datetime, counts: Mapping[CallState, int] | None) -> list[FeedEvent]:
        """All of it, the overview last."""
        progress = await self._progress_since(at)
        await self._read_backlog()
        return [*progress, self._overview(at, counts, is_away=False)]

    def trouble(self, at: datetime, counts: Mapping[CallState, int] | None) -> OverviewTaken:
        """The overview while the database does not answer."""
        self._ai_backlog = None
        return self._overview(at, counts, is_away=True)

    async def ai(self) -> AiHealth:
        """For a snapshot, which may be the first that is told."""
        if self._ai_backlog is None:
            await self._read_backlog()
        return self._ai()

    def _ai(self) -> AiHealth:
        figures = self._figures_before[1] if self._figures_before else self._figures.figures()
        backlog = self._ai_backlog
        return AiHealth(
            is_configured=self._ai_is_configured,
            attempts=figures.ai_attempts,
            failures=figures.ai_failures,
            waiting=backlog.waiting if backlog else None,
            processing=backlog.processing if backlog else None,
            oldest_waiting_seconds=backlog.oldest_seconds if backlog else None,
        )

    async def _progress_since(self, at: datetime) -> Sequence[CallProgressed | GapStood]:
        if not self._receiving_time.allows:
            return []
        try:
            with self._receiving_time.spent():
                async with asyncio.timeout(ANSWER_SECONDS):
                    calls = await self._live.receiving(HEARD_WITHIN_SECONDS, MOST_LIVE_CALLS)
        except (StorageUnavailable, TimeoutError) as error:
            log.warning("the feed leaves out how far calls are: %r", error)
            return []
        return await self._progress.look(calls, at)

    async def _read_backlog(self) -> None:
        if not self._backlog_time.allows:
            return
        self._ai_backlog = None
        try:
            with self._backlog_time.spent():
                async with asyncio.timeout(ANSWER_SECONDS):
                    self._ai_backlog = await self._backlog.ai_backlog()
        except (StorageUnavailable, TimeoutError) as error:
            log.warning("the feed leaves out what waits for the AI: %r", error)

    def _overview(
        self, at: datetime, counts: Mapping[CallState, int] | None, *, is_away: bool
    ) -> OverviewTaken:
        self._look_at_figures()
        return OverviewTaken(
            at=at,
            counts=dict(counts) if counts is not None else None,
            packets_per_second=self._rates.packets_per_second,
            ack_p50_seconds=self._rates.ack_p50_seconds,
            ack_p99_seconds=self._rates.ack_p99_seconds,
            ai=self._ai(),
            is_degraded=is_away or self._spool.is_spooling,
            spooled_requests=self._spool.requests,
        )

    def _look_at_figures(self) -> None:
        now = asyncio.get_running_loop().time()
        self._due_at = now + OVERVIEW_SECONDS
        figures = self._figures.figures()
        if self._figures_before is not None:
            at, before = self._figures_before
            self._rates = rates_between(before, figures, max(now - at, OVERVIEW_SECONDS))
        self._figures_before = now, figures

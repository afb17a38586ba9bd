"""How many calls are in each state, kept as the feed goes on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

import attrs

from application.errors import StorageUnavailable
from application.feed_ports import CallChanges, CountedCalls, Moment
from application.share_of_time import ShareOfTime
from domain.call_state import CallState

COUNT_AGAIN_SECONDS: Final = 600.0
"""Counts follow the changes; counting them anew is for what no change tells."""
COUNTING_SHARE: Final = 0.05
"""Of the time goes to counting, at most: with many calls it takes long."""
LEAST_PAUSE_SECONDS: Final = 1.0
FIRST_COUNT_SECONDS: Final = 0.2
"""A look waits so long for the first count: of a million calls it is there by then."""
COUNT_ON_SECONDS: Final = 2.0
MOST_CHANGES_COUNTED_ON: Final = 50_000
"""With more since, to count anew is as good."""

log = logging.getLogger(__name__)


@attrs.define(eq=False)
class CallCounts:
    """Counted beside the looks, and then taken on by each. One count is of one place, and knows of which."""

    _changes: CallChanges
    _counted: CountedCalls | None = attrs.field(default=None, init=False)
    _counted_anew: CountedCalls | None = attrs.field(default=None, init=False)
    _counting: asyncio.Task[None] | None = attrs.field(default=None, init=False)
    _again_at: float = attrs.field(default=0.0, init=False)
    _counting_time: ShareOfTime = attrs.field(
        factory=lambda: ShareOfTime(COUNTING_SHARE, LEAST_PAUSE_SECONDS), init=False
    )

    @property
    def by_state(self) -> Mapping[CallState, int] | None:
        """As last known. None before they were."""
        return self._counted.by_state if self._counted else None

    def forget(self) -> None:
        self._counted = None

    def give_up(self) -> None:
        """The database does not answer a look: it would not count either, and for much longer."""
        if self._counting is not None:
            self._counting.cancel()

    async def before_look(self) -> None:
        """What was counted until now is of an earlier place than the look that begins then."""
        if self._counted_anew is None:
            self._count_if_due()
        if self._counted is None and self._counting is not None:
            await asyncio.wait({self._counting}, timeout=FIRST_COUNT_SECONDS)
        if self._counted_anew is not None:
            self._counted, self._counted_anew = self._counted_anew, None

    async def go_on(self, before: str | None, moment: Moment) -> Mapping[CallState, int] | None:
        """How it was at that moment, which followed the place ``before``. None where that is not known."""
        counted = self._counted
        if counted is None:
            return None
        if moment.changes is not None and counted.place == before:
            self._counted = _followed(counted, moment)
        elif counted.place != moment.place:
            self._counted = await self._counted_on(counted, moment.place)
        return self.by_state

    def _count_if_due(self) -> None:
        is_due = self._counted is None or asyncio.get_running_loop().time() >= self._again_at
        if is_due and self._counting is None and self._counting_time.allows:
            self._counting = asyncio.create_task(self._count(), name="count calls for the feed")

    async def _count(self) -> None:
        try:
            with self._counting_time.spent():
                self._counted_anew = await self._changes.count()
            self._again_at = asyncio.get_running_loop().time() + COUNT_AGAIN_SECONDS
        except StorageUnavailable:
            log.warning("calls could not be counted for the feed; its counts stay as they are")
        except Exception:  # nobody waits for its outcome
            log.exception("calls cannot be counted for the feed")
        finally:
            self._counting = None

    async def _counted_on(self, counted: CountedCalls, until: str) -> CountedCalls | None:
        try:
            async with asyncio.timeout(COUNT_ON_SECONDS):
                return await self._changes.count_on(counted, until, MOST_CHANGES_COUNTED_ON)
        except (StorageUnavailable, TimeoutError):
            return None


def _followed(counted: CountedCalls, moment: Moment) -> CountedCalls:
    by_state = dict(counted.by_state)
    for change in moment.changes or ():
        if change.state_before is not None:
            by_state[change.state_before] -= 1
        by_state[change.recorded.state] += 1
    return CountedCalls(moment.place, by_state)

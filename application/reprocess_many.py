"""Many calls are reprocessed, at a rate that the AI can take, and to the end, whatever is restarted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

import attrs

from application.errors import TryAgain, UnknownBatch
from application.ports import CallReader
from application.reprocess_call import ReprocessCall
from application.reprocess_ports import BatchItem, BatchProgress, ListedBatch, Outcome, ReprocessBatches
from domain.analysis import FailureReason
from domain.errors import CallConflict, UnknownCall
from domain.events import ReprocessRequested

MOST_CALLS: Final = 100_000
"""In one batch. What is left of the failed ones can go into the next."""
MOST_LISTED: Final = 20
LISTED_SECONDS: Final = 3_600.0
"""So long a finished batch is shown to those who come to look."""
LEASE_SECONDS: Final = 30.0
"""A call that a process set about and did not finish by then is another's."""
LOOK_SECONDS: Final = 0.1
IDLE_LOOK_SECONDS: Final = 2.0

log = logging.getLogger(__name__)


@attrs.define(eq=False)
class ReprocessMany:
    """Takes batches, and works them off beside other processes that do the same."""

    _batches: ReprocessBatches
    _reprocess: ReprocessCall
    _reader: CallReader
    _added: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    async def calls(self, call_ids: Sequence[str], per_second: float) -> tuple[str, int]:
        """The batch's id, and how many calls are in it."""
        batch = await self._batches.add(call_ids, per_second)
        self._added.set()
        return batch

    async def failed(self, reason: FailureReason | None, per_second: float) -> tuple[str, int]:
        """The same of those that are FAILED, for this reason or for any."""
        batch = await self._batches.add_failed(reason, per_second, MOST_CALLS)
        self._added.set()
        return batch

    async def progress(self, batch_id: str) -> BatchProgress:
        """Raises UnknownBatch."""
        progress = await self._batches.progress(batch_id)
        if progress is None:
            raise UnknownBatch
        return progress

    async def recent(self) -> Sequence[ListedBatch]:
        """What is worked off, and what lately was, whoever asked for it; each the newest first."""
        return await self._batches.recent(LISTED_SECONDS, MOST_LISTED)

    async def run_for_ever(self) -> None:
        """Raises StorageUnavailable; what was taken is then left to whoever comes after the lease."""
        while True:
            self._added.clear()
            is_idle = await self.work() is None
            try:
                async with asyncio.timeout(IDLE_LOOK_SECONDS if is_idle else LOOK_SECONDS):
                    await self._added.wait()
            except TimeoutError:
                continue

    async def work(self) -> int | None:
        """Reprocess what is due now: how many calls that were. None where no batch is unfinished."""
        items = await self._batches.take(LEASE_SECONDS)
        if items is None:
            return None
        for item in items:
            try:
                await self._batches.finish(item, await self._outcome(item))
            except TryAgain as error:
                log.warning("call %s is reprocessed later: %r", item.call_id, error)
        return len(items)

    async def _outcome(self, item: BatchItem) -> Outcome:
        """Raises TryAgain. Whatever else goes wrong would go wrong again, and hold up all that come after."""
        try:
            if not await self._was_done(item):
                await self._reprocess(item.call_id)
        except TryAgain:
            raise
        except (UnknownCall, CallConflict):
            return Outcome.REFUSED
        except Exception:
            log.exception("call %s cannot be reprocessed", item.call_id)
            return Outcome.REFUSED
        return Outcome.DONE

    async def _was_done(self, item: BatchItem) -> bool:
        """Whoever was at it before may have ended between the call's commit and the batch's."""
        if item.begun_at is None:
            return False
        view = await self._reader.find(item.call_id)
        return view is not None and any(
            isinstance(recorded.event, ReprocessRequested) and recorded.at >= item.begun_at
            for recorded in view.history
        )

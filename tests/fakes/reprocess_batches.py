"""Batches of calls to reprocess, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from math import ceil

import attrs

from application.reprocess_ports import BatchItem, BatchProgress, ListedBatch, Outcome
from domain.analysis import FailureReason
from tests.fakes.storage import InMemoryStorage

TURN_SECONDS = 0.2


@attrs.define
class _Item:
    call_id: str
    first_begun_at: datetime | None = None
    begun_at: datetime | None = None
    outcome: Outcome | None = None


@attrs.define
class _Batch:
    per_second: float
    next_at: datetime
    items: list[_Item]
    created_at: datetime
    failure_reason: FailureReason | None = None
    all_failed: bool = False
    finished_at: datetime | None = None

    @property
    def progress(self) -> BatchProgress:
        outcomes = [item.outcome for item in self.items]
        return BatchProgress(len(outcomes), outcomes.count(Outcome.DONE), outcomes.count(Outcome.REFUSED))


@attrs.define(eq=False)
class FakeReprocessBatches:
    """Implements ReprocessBatches, by the storage's clock."""

    _storage: InMemoryStorage
    _batches: dict[str, _Batch] = attrs.field(factory=dict, init=False)
    _numbers: count[int] = attrs.field(factory=count, init=False)

    async def add(self, call_ids: Sequence[str], per_second: float) -> tuple[str, int]:
        batch_id = f"batch-{next(self._numbers)}"
        items = [_Item(call_id) for call_id in dict.fromkeys(call_ids)]
        now = self._storage.clock.now
        self._batches[batch_id] = _Batch(per_second, now, items, now)
        return batch_id, len(items)

    async def add_failed(self, reason: FailureReason | None, per_second: float, most: int) -> tuple[str, int]:
        failed = [
            call
            for call in self._storage.calls.values()
            if call.failure is not None and reason in (None, call.failure.reason)
        ]
        failed.sort(key=lambda call: (call.started_at, call.call_id))
        batch_id, total = await self.add([call.call_id for call in failed[:most]], per_second)
        self._batches[batch_id].failure_reason = reason
        self._batches[batch_id].all_failed = reason is None
        return batch_id, total

    async def progress(self, batch_id: str) -> BatchProgress | None:
        batch = self._batches.get(batch_id)
        return None if batch is None else batch.progress

    async def recent(self, finished_within_seconds: float, most: int) -> Sequence[ListedBatch]:
        since = self._storage.clock.now - timedelta(seconds=finished_within_seconds)
        found = [
            (name, batch)
            for name, batch in reversed(self._batches.items())
            if batch.finished_at is None or batch.finished_at > since
        ]
        found.sort(key=lambda each: each[1].finished_at is not None)
        return [
            ListedBatch(
                name,
                batch.created_at,
                batch.per_second,
                batch.failure_reason,
                batch.all_failed,
                batch.progress,
            )
            for name, batch in found[:most]
        ]

    async def take(self, lease_seconds: float) -> Sequence[BatchItem] | None:
        now = self._storage.clock.now
        unfinished = {name: batch for name, batch in self._batches.items() if batch.finished_at is None}
        due = sorted((batch.next_at, name) for name, batch in unfinished.items() if batch.next_at <= now)
        if not due:
            return [] if unfinished else None
        batch_id = due[0][1]
        batch = unfinished[batch_id]
        lapsed = now - timedelta(seconds=lease_seconds)
        taken = [
            (place, item)
            for place, item in enumerate(batch.items)
            if item.outcome is None and (item.begun_at is None or item.begun_at < lapsed)
        ][: ceil(batch.per_second * TURN_SECONDS)]
        batch.next_at = now + timedelta(seconds=len(taken) / batch.per_second if taken else 1)
        batch.finished_at = now if batch.progress.is_finished else None
        found = [BatchItem(batch_id, place, item.call_id, item.first_begun_at) for place, item in taken]
        for _, item in taken:
            item.begun_at = now
            item.first_begun_at = item.first_begun_at or now
        return found

    async def finish(self, item: BatchItem, outcome: Outcome) -> None:
        kept = self._batches[item.batch_id].items[item.place]
        kept.outcome = kept.outcome or outcome

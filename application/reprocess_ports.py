"""What reprocessing many calls needs from outside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum, unique
from typing import Protocol

import attrs

from domain.analysis import FailureReason


@unique
class Outcome(Enum):
    DONE = "done"
    REFUSED = "refused"


@attrs.frozen
class BatchItem:
    """A call of a batch. ``begun_at`` is when a process first set about it; None where none has."""

    batch_id: str
    place: int
    call_id: str
    begun_at: datetime | None


@attrs.frozen
class BatchProgress:
    total: int
    done: int
    refused: int

    @property
    def is_finished(self) -> bool:
        return self.done + self.refused == self.total


@attrs.frozen
class ListedBatch:
    """Asked for as the calls that had failed for ``failure_reason``, as ``all_failed``, or call by call."""

    batch_id: str
    created_at: datetime
    per_second: float
    failure_reason: FailureReason | None
    all_failed: bool
    progress: BatchProgress


class ReprocessBatches(Protocol):
    """Calls that are to be reprocessed, so many a second. Every method may raise StorageUnavailable."""

    async def add(self, call_ids: Sequence[str], per_second: float) -> tuple[str, int]:
        """A batch of these calls, each once: its id, and how many they are."""
        ...

    async def add_failed(self, reason: FailureReason | None, per_second: float, most: int) -> tuple[str, int]:
        """The same of calls that are FAILED, for this reason or for any; ``most`` of them, the oldest."""
        ...

    async def progress(self, batch_id: str) -> BatchProgress | None: ...

    async def recent(self, finished_within_seconds: float, most: int) -> Sequence[ListedBatch]:
        """Those that are not finished, and then those that were within that time; each the newest first.

        ``most`` of them at most. A batch is finished once :meth:`take` finds nothing left of it.
        """
        ...

    async def take(self, lease_seconds: float) -> Sequence[BatchItem] | None:
        """Those whose turn it is now, for this process alone until ``lease_seconds`` are over.

        None where no batch is unfinished.
        """
        ...

    async def finish(self, item: BatchItem, outcome: Outcome) -> None:
        """Harmless where it was finished before."""
        ...

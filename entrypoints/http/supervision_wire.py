"""What somebody asks who mends what failed, or listens to a call; and the answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import attrs
from msgspec import Meta

from domain.analysis import FailureReason
from entrypoints.http.wire import CallId, StreamName

BatchId = Annotated[str, Meta(examples=["0b6f7d1e-5f0a-4f7c-9a53-2f8f3f1d8a3e"])]


@attrs.frozen
class FailureGroup:
    """Calls that are FAILED for one reason.

    ``newest_at`` and ``example_detail`` are of the one that started last: when it failed, and why exactly.
    """

    reason: FailureReason
    count: int
    newest_at: datetime
    example_detail: str


@attrs.frozen
class FailureGroups:
    groups: tuple[FailureGroup, ...]


@attrs.frozen
class ReprocessManyRequest:
    """Which calls: these, those that FAILED for one reason, or all that are FAILED; one of the three."""

    call_ids: Annotated[tuple[CallId, ...], Meta(min_length=1, max_length=10_000)] | None = None
    failure_reason: FailureReason | None = None
    all_failed: bool = False
    per_second: Annotated[float, Meta(ge=0.1, le=100)] = 5.0


@attrs.frozen
class ReprocessManyAnswer:
    """``total`` is how many calls are in the batch: each once, and 100,000 at most."""

    batch_id: BatchId
    total: int


@attrs.frozen
class ReprocessProgress:
    """``refused`` are calls that are not there, whose state forbids it, or whose audio is no longer kept."""

    total: int
    done: int
    refused: int
    finished: bool


@attrs.frozen
class ReprocessBatch:
    """What was asked for: calls that FAILED for ``failure_reason``, or ``all_failed``, or calls by their ids.

    How far it is as in ReprocessProgress.
    """

    batch_id: BatchId
    created_at: datetime
    per_second: float
    failure_reason: FailureReason | None
    all_failed: bool
    total: int
    done: int
    refused: int
    finished: bool


@attrs.frozen
class ReprocessBatches:
    batches: tuple[ReprocessBatch, ...]


@attrs.frozen
class AudioQuery:
    """``stream`` alone, in its place in the call; all of them, a channel each, where left out."""

    stream: StreamName | None = None


@attrs.frozen
class WaveformQuery:
    points: Annotated[int, Meta(ge=1, le=4_000, description="peaks of each stream")] = 800


@attrs.frozen
class StreamPeaks:
    """``peaks`` run over the whole call, from 0 to 1.

    ``gaps`` are where packets are missing, from and to in seconds; the first 1,000.
    """

    stream: str
    peaks: tuple[float, ...]
    gaps: tuple[Annotated[tuple[float, ...], Meta(min_length=2, max_length=2)], ...]


@attrs.frozen
class WaveformAnswer:
    duration_seconds: float
    streams: tuple[StreamPeaks, ...]

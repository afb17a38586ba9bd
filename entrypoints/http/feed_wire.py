"""What the feed sends: the data of each kind of event."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import attrs
from msgspec import Meta

from domain.call_state import CallState
from entrypoints.http.wire import CallSummary, Gaps

Counts = Annotated[dict[str, int], Meta(description="calls by state, every state named")]


@attrs.frozen
class AiState:
    """``attempts_total`` and ``failures_total`` are of this machine's processes since their start.

    What waits and what is worked on is everybody's; null while the database does not say.
    """

    configured: bool
    attempts_total: int
    failures_total: int
    waiting: int | None
    processing: int | None
    oldest_waiting_seconds: float | None


@attrs.frozen
class SnapshotEvent:
    """It stands for everything before it. ``live`` has the newest calls IN_PROGRESS, 1,000 at most."""

    at: datetime
    calls_by_state: Counts
    live: tuple[CallSummary, ...]
    ai: AiState


@attrs.frozen
class CallEvent:
    """An entry of a call's history. A reader gets each (call_id, version) once, however often it resumes."""

    call_id: str
    version: int
    event: str
    at: datetime
    state: CallState
    detail: dict[str, Any]


@attrs.frozen
class StreamReceived:
    stream: str
    received: int
    duplicates: int
    next_expected: int
    missing: Gaps
    duration_seconds: float | None


@attrs.frozen
class ProgressEvent:
    """Once a second at most for a call. ``duration_seconds`` is its longest stream's, null for text."""

    call_id: str
    at: datetime
    packets: int
    duration_seconds: float | None
    streams: tuple[StreamReceived, ...]


@attrs.frozen
class GapEvent:
    """Packets that were missing at two looks, a second apart. They may still come."""

    call_id: str
    at: datetime
    stream: str
    missing: Gaps


@attrs.frozen
class AckLatency:
    """Of the last second; null where nothing was acknowledged."""

    p50: float | None
    p99: float | None


@attrs.frozen
class OverviewEvent:
    """Once a second. ``calls_by_state`` is null before it could be read.

    Packets and latencies are those of this machine's processes; ``spooled_requests`` of the one that tells.
    """

    at: datetime
    calls_by_state: Counts | None
    packets_per_second: float
    ack_latency_ms: AckLatency
    ai: AiState
    durability: Literal["ready", "degraded"]
    spooled_requests: int


@attrs.frozen
class SocketEvent:
    """A message of the feed over a WebSocket. ``id`` is null where there is nothing to resume from."""

    id: str | None
    event: Literal["snapshot", "call", "progress", "gap", "overview"]
    data: dict[str, Any]


@attrs.frozen
class FeedQuery:
    """The header Last-Event-ID counts where it is given too."""

    last_event_id: Annotated[str, Meta(description="the id of the last event that was received")] | None = (
        None
    )


EVENTS: dict[str, type] = {
    "snapshot": SnapshotEvent,
    "call": CallEvent,
    "progress": ProgressEvent,
    "gap": GapEvent,
    "overview": OverviewEvent,
}

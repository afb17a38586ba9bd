"""What the feed tells: how things stand, what changed, and what is going on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs

from application.feed_ports import Change
from domain.audio_stream import Gaps
from domain.call import Call
from domain.call_state import CallState


@attrs.frozen
class AiHealth:
    """``attempts`` and ``failures`` are those of this machine's processes, since they began.

    The rest is everybody's; None while the database does not say.
    """

    is_configured: bool
    attempts: int
    failures: int
    waiting: int | None
    processing: int | None
    oldest_waiting_seconds: float | None


@attrs.frozen
class SnapshotTaken:
    """It stands for everything before ``place``. ``live`` has the newest of the calls that go on."""

    place: str
    at: datetime
    counts: Mapping[CallState, int]
    live: Sequence[Call]
    ai: AiHealth


@attrs.frozen
class StreamProgress:
    stream: str
    received: int
    duplicates: int
    next_expected: int
    missing: Gaps
    duration_seconds: float | None


@attrs.frozen
class CallProgressed:
    """How far a call is that goes on. ``duration_seconds`` is its longest stream's; None for a text call."""

    at: datetime
    call_id: str
    packets: int
    duration_seconds: float | None
    streams: Sequence[StreamProgress]


@attrs.frozen
class GapStood:
    """Packets of a call that goes on were missing at two looks in a row."""

    at: datetime
    call_id: str
    stream: str
    missing: Gaps


@attrs.frozen
class OverviewTaken:
    """``counts`` is None before they were read. Latencies are of the last second; None where none waited."""

    at: datetime
    counts: Mapping[CallState, int] | None
    packets_per_second: float
    ack_p50_seconds: float | None
    ack_p99_seconds: float | None
    ai: AiHealth
    is_degraded: bool
    spooled_requests: int


FeedEvent = SnapshotTaken | Change | CallProgressed | GapStood | OverviewTaken

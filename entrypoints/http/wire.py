"""The bodies of requests and answers, as docs and handlers share them.

Field constraints stand here once: the OpenAPI document is made from these classes, and requests are
structured into them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import attrs
from msgspec import Meta

from domain.analysis import FailureReason, SentimentLabel
from domain.call_state import CallState
from domain.media_format import MAX_CHANNELS, MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ, Encoding
from domain.metadata import MAX_ENTRIES, MAX_KEY_CHARACTERS, MAX_VALUE_CHARACTERS
from domain.packet import DEFAULT_STREAM, MAX_DATA_BYTES, MAX_SEQUENCE

CallId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:@-]{1,128}$", examples=["c-1"])]
StreamName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:@#-]{1,64}$", examples=["main"])]
Sequence = Annotated[int, Meta(ge=0, le=MAX_SEQUENCE, examples=[1])]
PacketData = Annotated[
    str,
    Meta(
        description="canonical base64 for an audio encoding, text otherwise; 64 KiB in UTF-8 at most",
        extra_json_schema={"maxLength": MAX_DATA_BYTES},  # told here, judged by the domain
    ),
]
Seconds = Annotated[float, Meta(description="seconds")]
Gap = Annotated[tuple[int, ...], Meta(min_length=2, max_length=2, description="first and last missing")]
Gaps = tuple[Gap, ...]


@attrs.frozen
class Media:
    """What the call's packets carry. Audio needs sample rate and channels; text has neither."""

    encoding: Encoding
    sample_rate_hz: Annotated[int, Meta(ge=MIN_SAMPLE_RATE_HZ, le=MAX_SAMPLE_RATE_HZ)] | None = None
    channels: Annotated[int, Meta(ge=1, le=MAX_CHANNELS)] | None = None


@attrs.frozen
class InitRequest:
    call_id: CallId
    media: Media | None = None
    metadata: (
        Annotated[
            dict[
                Annotated[str, Meta(min_length=1, max_length=MAX_KEY_CHARACTERS)],
                Annotated[str, Meta(max_length=MAX_VALUE_CHARACTERS)],
            ],
            Meta(max_length=MAX_ENTRIES),
        ]
        | None
    ) = None


@attrs.frozen
class InitAnswer:
    status: Literal["started"]
    call_id: str
    state: CallState


@attrs.frozen
class PacketRequest:
    sequence: Sequence
    data: PacketData
    timestamp: Seconds
    stream: StreamName = DEFAULT_STREAM


@attrs.frozen
class SocketPacket:
    """``stream`` is the connection's where left out."""

    sequence: Sequence
    data: PacketData
    timestamp: Seconds
    stream: StreamName | None = None


@attrs.frozen
class StreamStanding:
    """Every sequence up to ``through`` is durable, but those ``missing``."""

    stream: str
    through: int
    next_expected: int
    missing: Gaps


@attrs.frozen
class DeliveryAnswer:
    """The receipt for packets that were sent together. ``streams`` are those that they belong to."""

    status: Literal["accepted"]
    call_id: str
    accepted: int
    duplicates: int
    streams: tuple[StreamStanding, ...]


@attrs.frozen
class SocketQuery:
    """``stream`` is the one of binary messages, and of JSON messages that name none."""

    stream: StreamName = DEFAULT_STREAM


@attrs.frozen
class SocketGreeting:
    """The first message on a WebSocket.

    ``state`` is null for a call that is not known yet, or of which nothing can be known for the moment.
    """

    call_id: str
    state: CallState | None
    streams: tuple[StreamStanding, ...]


@attrs.frozen
class Acknowledged:
    stream: str
    through: int


@attrs.frozen
class SocketAck:
    """Every packet of the stream up to ``ack.through`` is durable, but those ``missing``."""

    ack: Acknowledged
    missing: Gaps


@attrs.frozen
class PacketAnswer:
    """``next_expected`` is one past the highest seen; ``missing`` the first 32 gaps below it."""

    status: Literal["accepted", "duplicate"]
    call_id: str
    stream: str
    sequence: int
    next_expected: int
    missing: Gaps


@attrs.frozen
class CompleteRequest:
    final_sequence: dict[StreamName, Sequence] = attrs.field(factory=dict)


@attrs.frozen
class CompleteAnswer:
    """``missing`` holds the first 32 gaps of each stream that has some."""

    status: Literal["completed"]
    call_id: str
    state: CallState
    missing: Mapping[str, Gaps]


@attrs.frozen
class ReprocessAnswer:
    status: Literal["reprocessing"]
    call_id: str
    state: CallState


@attrs.frozen
class StreamView:
    stream: str
    received: int
    duplicates: Annotated[int, Meta(description="packets that came again and were answered so, not spooled")]
    next_expected: int
    missing: Gaps
    duration_seconds: float | None


@attrs.frozen
class FailureView:
    reason: FailureReason
    detail: str


@attrs.frozen
class SentimentView:
    label: SentimentLabel
    score: Annotated[float, Meta(ge=-1, le=1)]


@attrs.frozen
class SegmentView:
    start_seconds: float
    end_seconds: float
    stream: str
    text: str


@attrs.frozen
class HistoryEntry:
    version: int
    event: str
    at: datetime
    state: CallState
    detail: dict[str, Any]


@attrs.frozen
class CallSummary:
    call_id: str
    state: CallState
    version: Annotated[int, Meta(description="of the newest entry of its history")]
    started_at: datetime
    completed_at: datetime | None
    archived_at: datetime | None
    media: Media
    metadata: dict[str, str]
    streams: tuple[StreamView, ...]
    runs: int
    next_run_at: datetime | None
    failure: FailureView | None
    transcript: str | None
    summary: str | None
    sentiment: SentimentView | None


@attrs.frozen
class CallDetails(CallSummary):
    """``segments`` has the transcript's times where the AI gave them."""

    transcript_reason: str | None
    segments: tuple[SegmentView, ...]
    history: tuple[HistoryEntry, ...]


@attrs.frozen
class CallList:
    calls: tuple[CallSummary, ...]
    next: str | None


@attrs.frozen
class CallListQuery:
    """``search`` is words, each of which must begin a word of the id, a metadata value or the transcript."""

    state: CallState | None = None
    failure_reason: FailureReason | None = None
    search: Annotated[str, Meta(max_length=200)] | None = None
    limit: Annotated[int, Meta(ge=1, le=500)] = 50
    after: Annotated[str, Meta(description="the `next` of the page before")] | None = None


@attrs.frozen
class PacketView:
    stream: str
    sequence: int
    timestamp: float
    data: str


@attrs.frozen
class PacketList:
    packets: tuple[PacketView, ...]
    next: str | None


@attrs.frozen
class PacketListQuery:
    stream: StreamName | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    after: (
        Annotated[
            str,
            Meta(description="the `next` of the page before; with `stream`, a sequence number serves too"),
        ]
        | None
    ) = None


@attrs.frozen
class FieldProblem:
    path: str
    detail: str


@attrs.frozen
class Problem:
    """RFC 9457. ``instance`` is the request's id, as in the X-Request-ID header."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: tuple[FieldProblem, ...] | None = None


@attrs.frozen
class Health:
    """``checks`` names each thing the service depends on, and how it is."""

    status: str
    checks: dict[str, str]

"""Calls brought to each state by the moves that a PBX and an AI make."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from domain.analysis import Analysis, Failure, FailureReason, Sentiment, SentimentLabel, Transcript
from domain.call import Call
from domain.call_state import CallState
from domain.events import RecordedEvent
from domain.packet import IncomingPacket
from tests.deliveries import Receipt, receive

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
SETTLE_SECONDS = 2.0
DELAYS_SECONDS = (60.0, 300.0, 1800.0)

TRANSCRIPT = Transcript("hello")
ANALYSIS = Analysis("A greeting.", Sentiment(SentimentLabel.POSITIVE, 0.5))
UNAVAILABLE = Failure(FailureReason.AI_UNAVAILABLE, "503 five times")
REFUSED = Failure(FailureReason.AI_REFUSED, "401")


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def packet(sequence: int, data: str = "hello", stream: str = "main") -> IncomingPacket:
    return IncomingPacket("c-1", stream, sequence, 1_700_000_000.5, data)


def receive_all(call: Call, sequences: Sequence[int], stream: str = "main") -> list[Receipt]:
    return [receive(call, packet(sequence, stream=stream), None)[0] for sequence in sequences]


def started() -> Call:
    return Call.start("c-1", START)


def completed() -> Call:
    call = started()
    receive_all(call, [1])
    call.complete({}, SETTLE_SECONDS, after(10))
    return call


def processing() -> Call:
    """In its run 1."""
    call = completed()
    call.begin_run(after(20))
    return call


def archived() -> Call:
    call = processing()
    call.save_transcript(1, TRANSCRIPT, after(30))
    call.archive(1, ANALYSIS, after(31))
    return call


def failed() -> Call:
    """With its transcript, and without an analysis."""
    call = processing()
    call.save_transcript(1, TRANSCRIPT, after(30))
    call.fail(1, REFUSED, after(31))
    return call


def call_in(state: CallState) -> Call:
    made = {
        CallState.IN_PROGRESS: started,
        CallState.COMPLETED: completed,
        CallState.PROCESSING_AI: processing,
        CallState.ARCHIVED: archived,
        CallState.FAILED: failed,
    }
    return made[state]()


def snapshot(call: Call) -> dict[str, Any]:
    """All that a call holds, its unsaved events too, as values that later changes do not touch."""
    held = attrs.asdict(call, recurse=False)
    held["streams"] = {
        name: (stream.stream, tuple(stream.received.ranges()), stream.received_bytes, stream.duplicates)
        for name, stream in call.streams.items()
    }
    copied = {"metadata": dict, "final_sequences": dict, "partial_transcripts": dict, "_unsaved": tuple}
    return held | {name: copy(held[name]) for name, copy in copied.items()}


def taken_names(call: Call) -> list[str]:
    return [recorded.event.name for recorded in call.take_unsaved_events()]


def taken_story(call: Call) -> list[tuple[int, str, CallState]]:
    return [_chapter(recorded) for recorded in call.take_unsaved_events()]


def _chapter(recorded: RecordedEvent) -> tuple[int, str, CallState]:
    return recorded.version, recorded.event.name, recorded.state

"""Calls and events as rows, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final

import asyncpg
import attrs
import orjson
from cattrs import BaseValidationError
from cattrs.preconf.orjson import make_converter

from domain import events
from domain.analysis import Analysis, Failure, FailureReason, Transcript
from domain.audio_stream import AudioStream
from domain.call import Call
from domain.call_state import CallState
from domain.events import CallEvent, EventOfOtherRelease, RecordedEvent
from domain.media_format import Encoding, MediaFormat
from domain.sequence_set import SequenceSet

CALL_COLUMNS: Final = (
    "call_id, state, encoding, sample_rate_hz, channels, metadata, started_at, completed_at, archived_at, "
    "final_sequences, next_run_at, runs, failed_runs, abandoned_runs, transcript, transcript_is_current, "
    "partial_transcripts, analysis, failure_reason, failure_detail, version"
)

_json = make_converter()
_STATES: Final = {state.value: state for state in CallState}

_EVENTS: Final[Mapping[str, type[CallEvent]]] = {
    event.name: event
    for event in vars(events).values()
    if isinstance(event, type)
    and issubclass(event, CallEvent)
    and event not in (CallEvent, EventOfOtherRelease)
}


def call_from_row(row: asyncpg.Record) -> Call:
    """The call without its streams."""
    call = Call(
        call_id=row["call_id"],
        state=_STATES[row["state"]],
        media=media_from_row(row),
        metadata=_metadata(row["metadata"]),
        started_at=row["started_at"],
        version=row["version"],
    )
    if call.state is not CallState.IN_PROGRESS:  # before its end a call has nothing else
        _add_what_followed(call, row)
    return call


def _add_what_followed(call: Call, row: asyncpg.Record) -> None:
    reason = row["failure_reason"]
    call.completed_at = row["completed_at"]
    call.archived_at = row["archived_at"]
    call.final_sequences = orjson.loads(row["final_sequences"])
    call.next_run_at = row["next_run_at"]
    call.runs = row["runs"]
    call.failed_runs = row["failed_runs"]
    call.abandoned_runs = row["abandoned_runs"]
    call.transcript = _optional(row["transcript"], Transcript)
    call.transcript_is_current = row["transcript_is_current"]
    call.partial_transcripts = _json.loads(row["partial_transcripts"], dict[str, Transcript])
    call.analysis = _optional(row["analysis"], Analysis)
    call.failure = Failure(FailureReason(reason), row["failure_detail"]) if reason else None


def values_at_start(call: Call) -> tuple[object, ...]:
    """What a new call's row holds beside its lane and id, in the order of INSERT_CALL."""
    return (
        call.media.encoding.value,
        call.media.sample_rate_hz,
        call.media.channels,
        to_json(dict(call.metadata)),
        call.started_at,
    )


def values_that_change(call: Call) -> tuple[object, ...]:
    """What can change of a call's row, in the order of UPDATE_CALL."""
    failure = call.failure
    return (
        call.state.value,
        call.completed_at,
        call.archived_at,
        to_json(dict(call.final_sequences)),
        call.next_run_at,
        call.runs,
        call.failed_runs,
        call.abandoned_runs,
        to_json(call.transcript) if call.transcript else None,
        call.transcript_is_current,
        to_json(call.partial_transcripts),
        to_json(call.analysis) if call.analysis else None,
        failure.reason.value if failure else None,
        failure.detail if failure else None,
        call.version,
    )


def media_from_row(row: asyncpg.Record) -> MediaFormat:
    return _media(row["encoding"], row["sample_rate_hz"], row["channels"])


def stream_from_row(row: asyncpg.Record) -> AudioStream:
    # PostgreSQL gives ranges as [first, after)
    received = SequenceSet([(part.lower, part.upper - 1) for part in row["received"]])
    return AudioStream(row["stream"], received, row["received_bytes"], row["duplicates"])


def multirange(received: SequenceSet) -> str:
    """The set as a literal of int8multirange."""
    return "{" + ",".join(f"[{first},{last}]" for first, last in received.ranges()) + "}"


def event_detail(event: CallEvent) -> str:
    return to_json(event)


def event_from_row(row: asyncpg.Record) -> RecordedEvent:
    return RecordedEvent(row["version"], row["at"], CallState(row["state"]), _event(row))


def _event(row: asyncpg.Record) -> CallEvent:
    kind = _EVENTS.get(row["event"])
    if kind is not None:
        with suppress(BaseValidationError):  # a newer release may know more values
            return _json.loads(row["detail"], kind)
    return EventOfOtherRelease(row["event"], orjson.loads(row["detail"]))


def with_streams(calls: Iterable[Call], stream_rows: Iterable[asyncpg.Record]) -> dict[str, Call]:
    by_id = {call.call_id: call for call in calls}
    for row in stream_rows:
        call = by_id.get(row["call_id"])
        if call is None:
            continue
        call.streams[row["stream"]] = stream_from_row(row)
        if call.last_packet_at is None or call.last_packet_at < row["last_packet_at"]:
            call.last_packet_at = row["last_packet_at"]
    return by_id


def to_json(value: Any) -> str:
    return _json.dumps(value).decode()


@lru_cache(maxsize=64)
def _media(encoding: str, sample_rate_hz: int | None, channels: int | None) -> MediaFormat:
    return MediaFormat(Encoding(encoding), sample_rate_hz, channels)


def _metadata(text: str) -> dict[str, str]:
    metadata: dict[str, str] = orjson.loads(text)
    return metadata


def _optional(text: str | None, kind: type[attrs.AttrsInstance]) -> Any:
    return None if text is None else _json.loads(text, kind)

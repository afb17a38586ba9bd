"""Calls as the API shows them."""

from __future__ import annotations

from typing import Any

from application.ports import CallView
from domain.audio_stream import AudioStream
from domain.call import Call
from domain.delivery import StreamStanding
from domain.events import EventOfOtherRelease, RecordedEvent
from domain.packet import Packet
from entrypoints.http import wire
from entrypoints.http.structuring import converter


def call_summary(call: Call) -> wire.CallSummary:
    return wire.CallSummary(**_summary_fields(call))


def call_details(view: CallView) -> wire.CallDetails:
    transcript = view.call.transcript
    return wire.CallDetails(
        **_summary_fields(view.call),
        transcript_reason=transcript.reason if transcript else None,
        segments=tuple(
            wire.SegmentView(segment.start_seconds, segment.end_seconds, segment.stream, segment.text)
            for segment in (transcript.segments if transcript else ())
        ),
        history=tuple(history_entry(event) for event in view.history),
    )


def packet_view(call: Call, packet: Packet) -> wire.PacketView:
    return wire.PacketView(packet.stream, packet.sequence, packet.timestamp, call.media.encode(packet.data))


def standing_view(standing: StreamStanding) -> wire.StreamStanding:
    return wire.StreamStanding(standing.stream, standing.through, standing.next_expected, standing.missing)


def _summary_fields(call: Call) -> dict[str, Any]:
    analysis = call.analysis
    return {
        "call_id": call.call_id,
        "state": call.state,
        "version": call.version,
        "started_at": call.started_at,
        "completed_at": call.completed_at,
        "archived_at": call.archived_at,
        "media": wire.Media(call.media.encoding, call.media.sample_rate_hz, call.media.channels),
        "metadata": dict(call.metadata),
        "streams": tuple(_stream_view(call, call.streams[name]) for name in sorted(call.streams)),
        "runs": call.runs,
        "next_run_at": call.next_run_at,
        "failure": wire.FailureView(call.failure.reason, call.failure.detail) if call.failure else None,
        "transcript": call.transcript.text if call.transcript else None,
        "summary": analysis.summary if analysis else None,
        "sentiment": (
            wire.SentimentView(analysis.sentiment.label, analysis.sentiment.score) if analysis else None
        ),
    }


def _stream_view(call: Call, stream: AudioStream) -> wire.StreamView:
    return wire.StreamView(
        stream=stream.stream,
        received=len(stream.received),
        duplicates=stream.duplicates,
        next_expected=stream.next_expected,
        missing=stream.missing(call.final_sequences.get(stream.stream)),
        duration_seconds=call.media.seconds(stream.received_bytes) if call.media.is_audio else None,
    )


def history_entry(recorded: RecordedEvent) -> wire.HistoryEntry:
    event = recorded.event
    if isinstance(event, EventOfOtherRelease):
        name, detail = event.its_name, dict(event.detail)
    else:
        name, detail = event.name, converter.unstructure(event)
    return wire.HistoryEntry(recorded.version, name, recorded.at, recorded.state, detail)

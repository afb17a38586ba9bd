"""Calls that carry something in every field that they can, in every state, as their moves made them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

from domain.analysis import (
    Analysis,
    Failure,
    FailureReason,
    Segment,
    Sentiment,
    SentimentLabel,
    Transcript,
)
from domain.call import Call
from domain.media_format import Encoding, MediaFormat
from domain.packet import MAX_SEQUENCE, IncomingPacket
from tests.deliveries import alone

START = datetime(2026, 3, 1, 9, 0, 0, 123456, tzinfo=UTC)
STEREO = MediaFormat(Encoding.L16, 16_000, 2)
METADATA = {
    "from": "+15551234",
    "schlüssel": "Grüße, 世界, \U0001f4de, e\u0301",
    'qu"ote': "back\\slash\tand\nlines",
    "zero\u200bwidth": "\ufeff\u202e",
    "empty": "",
}
LEFT = Transcript(
    "Good morning.\nHow can I help?",
    (
        Segment(0.0, 1.25, "Good morning.", "leg#1"),
        Segment(1.25, 1 / 3 + 2, "How can I help? 🙂", "leg#1"),
    ),
)
RIGHT = Transcript("", (), "no speech was recognised")
ANALYSIS = Analysis("A caller was helped — “gladly”.", Sentiment(SentimentLabel.POSITIVE, 0.123456789012345))
DELAYS = (60.0, 300.0)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def in_progress(call_id: str = "rich") -> Call:
    call = Call.start(call_id, START, STEREO, METADATA)
    for sequence in (0, 1, 2, 5, 7, MAX_SEQUENCE):
        _receive(call, "leg#1", sequence, bytes(4 * (sequence % 7)))
    for _ in range(3):
        _receive(call, "a:b@c._-9", 3, b"")
    return call


def completed(call_id: str = "rich") -> Call:
    call = in_progress(call_id)
    call.complete({"leg#1": MAX_SEQUENCE, "never-seen": 0, "main": 4}, 2.5, at(60))
    return call


def in_first_run(call_id: str = "rich") -> Call:
    call = completed(call_id)
    call.begin_run(at(63))
    return call


def half_transcribed(call_id: str = "rich") -> Call:
    call = in_first_run(call_id)
    call.save_partial_transcript(1, "leg#1/0/0-30000", LEFT)
    call.save_partial_transcript(1, "leg#1/1/0-30000", RIGHT)
    return call


def postponed(call_id: str = "rich") -> Call:
    call = half_transcribed(call_id)
    call.postpone(1, Failure(FailureReason.AI_UNAVAILABLE, "503, “busy”"), DELAYS, at(70), 90.5)
    return call


def archived(call_id: str = "rich") -> Call:
    call = postponed(call_id)
    run = call.begin_run(at(170))
    call.save_transcript(run, Transcript.joined([LEFT, RIGHT]), at(171))
    call.archive(run, ANALYSIS, at(172))
    return call


def failed(call_id: str = "rich") -> Call:
    call = half_transcribed(call_id)
    call.fail(1, Failure(FailureReason.AI_REFUSED, "401: “no”"), at(80))
    return call


def abandoned(call_id: str = "rich") -> Call:
    call = half_transcribed(call_id)
    call.abandon_run(at(90))
    call.begin_run(at(91))
    return call


def set_aside(call_id: str = "rich") -> Call:
    call = abandoned(call_id)
    call.abandon_run(at(120))
    call.begin_run(at(121))
    call.abandon_run(at(150))
    return call


def failed_in_the_end(call_id: str = "rich") -> Call:
    call = postponed(call_id)
    for _ in DELAYS:
        run = call.begin_run(at(1_000))
        call.postpone(run, Failure(FailureReason.INTERNAL_ERROR, "KeyError"), DELAYS, at(1_001))
    return call


def reprocessed(call_id: str = "rich") -> Call:
    """With the transcript and the analysis that are to be replaced."""
    call = archived(call_id)
    call.reprocess(at(5_000))
    return call


EVERY_STAGE = (
    in_progress,
    completed,
    in_first_run,
    half_transcribed,
    postponed,
    archived,
    failed,
    abandoned,
    set_aside,
    failed_in_the_end,
    reprocessed,
)


def _receive(call: Call, stream: str, sequence: int, data: bytes) -> None:
    incoming = IncomingPacket(
        call.call_id, stream, sequence, 1_700_000_000.02, base64.b64encode(data).decode()
    )
    call.receive(alone(incoming), {}, at(1.5))

"""A run in which every promise was kept: a text call and an audio call, and what is there of them."""

from __future__ import annotations

from typing import Any

import attrs

from faults.history import Action, Attempt, Fault, Outcome, Over, Record
from faults.observed import AiRequest, Observed, StoredCall, StoredEvent, StoredPacket, StoredStream

MULAW = {"encoding": "audio/x-mulaw", "sample_rate_hz": 8000, "channels": 1}


@attrs.define
class Telling:
    """A history that grows by what is asked and answered, a second each."""

    records: list[Record] = attrs.field(factory=list)
    _numbers: int = 0
    _now: float = 1_000.0

    def asked(self, action: Action, call_id: str, body: dict[str, Any], over: Over = "http") -> int:
        self._numbers += 1
        self._now += 1
        self.records.append(Attempt(self._numbers, self._now, action, call_id, body, over))
        return self._numbers

    def waited(self, seconds: float) -> None:
        self._now += seconds

    def answered(self, number: int, status: int | None, body: dict[str, Any] | None = None) -> None:
        self._now += 1
        trouble = "ServerDisconnectedError" if status is None else None
        self.records.append(Outcome(number, self._now, status, body or {}, trouble))

    def told(
        self,
        action: Action,
        call_id: str,
        body: dict[str, Any],
        status: int | None,
        answer: dict[str, Any] | None = None,
    ) -> None:
        self.answered(self.asked(action, call_id, body), status, answer)

    def broke(self, what: str, at_seconds: float) -> None:
        self.records.append(Fault(at_seconds, what))


def packet(sequence: int, data: str, stream: str = "main") -> dict[str, Any]:
    return {"stream": stream, "sequence": sequence, "timestamp": float(sequence), "data": data}


def good_telling() -> Telling:
    """Calls ``text`` and ``audio``, each completed; packet 2 of ``text`` was sent three times."""
    telling = Telling()
    telling.told("init", "text", {"call_id": "text"}, 201)
    telling.told("packet", "text", packet(1, "Good morning. "), 202)
    telling.told("packet", "text", packet(2, "Goodbye."), None)
    telling.told("packet", "text", packet(2, "Goodbye."), 503)
    telling.told("packet", "text", packet(2, "Goodbye."), 202)
    telling.told("packet", "text", packet(2, "Something else."), 409)
    shown = {"streams": [{"stream": "main", "next_expected": 3, "missing": []}]}
    telling.told("read", "text", {}, 200, shown)
    telling.told("init", "audio", {"call_id": "audio", "media": MULAW}, 201)
    telling.told("packet", "audio", packet(1, "AAEC"), 202)
    telling.told("packet", "audio", packet(9, "no base64!"), 422)
    telling.told("complete", "text", {}, 202)
    telling.told("complete", "audio", {}, 202)
    telling.told("packet", "audio", packet(2, "AwQF"), 202)
    return telling


def good_observed() -> Observed:
    return Observed(
        calls=[
            StoredCall("text", "ARCHIVED", 5, "text/plain", "Good morning. Goodbye."),
            StoredCall("audio", "ARCHIVED", 5, "audio/x-mulaw", "what was heard"),
        ],
        streams=[
            StoredStream("text", "main", ((1, 2),), 22),
            StoredStream("audio", "main", ((1, 2),), 6),
        ],
        packets=[
            StoredPacket("text", "main", 1, b"Good morning. "),
            StoredPacket("text", "main", 2, b"Goodbye."),
            StoredPacket("audio", "main", 1, bytes([0, 1, 2])),
            StoredPacket("audio", "main", 2, bytes([3, 4, 5])),
        ],
        events=[event for call_id in ("text", "audio") for event in whole_history(call_id)],
        ai_requests=[
            effect("text:1:analysis", 1_100.0),
            effect("audio:1:transcription:main.1", 1_100.0),
            effect("audio:1:analysis", 1_101.0),
        ],
        at_seconds=1_200.0,
    )


def whole_history(call_id: str) -> list[StoredEvent]:
    return [
        StoredEvent(call_id, 1, "IN_PROGRESS", "call_started", None, 1_050.0),
        StoredEvent(call_id, 2, "COMPLETED", "call_completed", None, 1_090.0),
        StoredEvent(call_id, 3, "PROCESSING_AI", "run_started", 1, 1_091.0),
        StoredEvent(call_id, 4, "PROCESSING_AI", "call_transcribed", 1, 1_100.0),
        StoredEvent(call_id, 5, "ARCHIVED", "call_archived", 1, 1_102.0),
    ]


def effect(key: str, at_seconds: float) -> AiRequest:
    return AiRequest(key, at_seconds, 0.5, True)

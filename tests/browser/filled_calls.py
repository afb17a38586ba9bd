"""A contact centre's afternoon: many calls in every state, with what was said and why some failed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg

from adapters.postgres.lanes import lane_of
from domain.call_state import CallState

SEED: Final = 20261124
LIVE: Final = 6
WAITING: Final = 3
WITH_THE_AI: Final = 4
FAILED_OF_A_HUNDRED: Final = 6

_SAID: Final = [
    (
        "I moved house and my invoice still goes to the old address.",
        "Address changed; invoice sent again.",
        0.4,
    ),
    (
        "My order came without the charger, and nobody calls me back.",
        "Charger missing; angry at silence.",
        -0.7,
    ),
    ("Can I bring my appointment forward to Thursday morning?", "Appointment moved to Thursday.", 0.2),
    ("The new router works, thank you, that was quick.", "Router works; happy with the help.", 0.9),
    ("I was charged twice for the same month.", "Charged twice; refund promised in 5 days.", -0.5),
    ("What are your opening hours on the holiday?", "Asked for opening hours on the holiday.", 0.0),
    ("I would like to add a second line for my daughter.", "Second line ordered for the daughter.", 0.6),
    ("The lift in our building stands still again.", "Lift out of order; engineer sent.", -0.3),
]
_WHY: Final = [
    (
        "ai_unavailable",
        "503 Service Unavailable from http://ai.internal:8090/v1/audio/transcriptions, 5 times",
    ),
    ("ai_unavailable", "no answer from http://ai.internal:8090/v1/chat/completions within 60 s, 5 times"),
    (
        "ai_unavailable",
        "503 Service Unavailable from http://ai.internal:8090/v1/audio/transcriptions, 5 times",
    ),
    ("ai_refused", "401 Unauthorized: the API key is not valid any more"),
    ("poison", "3 processes ended while they worked on it"),
]

Row = tuple[object, ...]


async def fill(database_url: str, count: int) -> None:
    """The newest started just now. Always the same calls, but for their times."""
    chance = random.Random(SEED)  # for show
    now = datetime.now(UTC)
    calls = [_Made(number, count, now, chance) for number in range(count)]
    connection = await asyncpg.connect(database_url)
    try:
        await connection.copy_records_to_table(
            "calls", records=[made.row for made in calls], columns=_COLUMNS
        )
        await connection.copy_records_to_table(
            "streams",
            records=[stream for made in calls for stream in made.streams],
            columns=["lane", "call_id", "stream", "received", "received_bytes"],
        )
        await connection.copy_records_to_table(
            "call_events",
            records=[event for made in calls for event in made.history()],
            columns=["lane", "call_id", "version", "at", "state", "event", "detail"],
        )
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


_COLUMNS: Final = [
    "lane", "call_id", "state", "encoding", "sample_rate_hz", "channels", "metadata", "started_at",
    "completed_at", "archived_at", "next_run_at", "runs", "transcript", "transcript_is_current", "analysis",
    "failure_reason", "failure_detail", "version",
]  # fmt: skip


class _Made:
    def __init__(self, number: int, count: int, now: datetime, chance: random.Random) -> None:
        self.call_id = f"{now:%y%m%d}-{count - number:05}"
        self.lane = lane_of(self.call_id)
        self.state = _state(number, chance)
        self.length = timedelta(seconds=chance.randint(20, 600))
        if self.state is CallState.IN_PROGRESS:
            self.length = timedelta(seconds=9 + number * 23)
        self.started_at = now - self.length - timedelta(seconds=max(0, number - LIVE) * 7)
        self.completed_at = self.started_at + self.length
        self.settled_at = self.completed_at + timedelta(seconds=4 + chance.random() * 20)
        self.said, self.summary, score = chance.choice(_SAID)
        self.score = score
        self.reason, self.why = chance.choice(_WHY)
        self.caller = f"+1555{chance.randint(1000000, 9999999)}"
        self.called = str(chance.randint(200, 299))
        self.next_run_at = now + timedelta(minutes=chance.randint(2, 50))

    @property
    def is_processed(self) -> bool:
        return self.state in (CallState.PROCESSING_AI, CallState.ARCHIVED, CallState.FAILED)

    @property
    def row(self) -> Row:
        live, archived = self.state is CallState.IN_PROGRESS, self.state is CallState.ARCHIVED
        failed = self.state is CallState.FAILED
        waits = self.state in (CallState.COMPLETED, CallState.PROCESSING_AI)
        metadata = {"from": self.caller, "to": self.called, "queue": "service"}
        return (
            self.lane, self.call_id, self.state.value, "audio/x-mulaw", 8_000, 1, json.dumps(metadata),
            self.started_at, None if live else self.completed_at, self.settled_at if archived else None,
            self.next_run_at if waits else None, int(self.is_processed),
            json.dumps(self._transcript()) if archived else None, archived,
            json.dumps(self._analysis()) if archived else None,
            self.reason if failed else None, self.why if failed else None, len(list(self.history())),
        )  # fmt: skip

    @property
    def streams(self) -> list[Row]:
        packets = max(1, int(self.length.total_seconds() * 50))
        return [
            (self.lane, self.call_id, name, [asyncpg.Range(1, packets + 1)], packets * 160)
            for name in ("agent", "caller")
        ]

    def history(self) -> Iterator[Row]:
        events: list[tuple[datetime, CallState, str, dict[str, Any]]] = [
            (self.started_at, CallState.IN_PROGRESS, "call_started", {})
        ]
        if self.state is not CallState.IN_PROGRESS:
            completed = {"reason": "requested"}
            events.append((self.completed_at, CallState.COMPLETED, "call_completed", completed))
        run: dict[str, Any] = {"run": 1}
        if self.is_processed:
            started_at = self.completed_at + timedelta(seconds=2)
            events.append((started_at, CallState.PROCESSING_AI, "run_started", run))
        if self.state is CallState.PROCESSING_AI:
            gave_up = run | {"detail": self.why, "next_run_at": self.next_run_at.isoformat()}
            events.append((self.settled_at, self.state, "run_failed", gave_up))
        elif self.state is CallState.ARCHIVED:
            events.append((self.settled_at, self.state, "call_archived", run))
        elif self.state is CallState.FAILED:
            failure = run | {"reason": self.reason, "detail": self.why}
            events.append((self.settled_at, self.state, "call_failed", failure))
        for version, (at, state, event, detail) in enumerate(events, 1):
            yield self.lane, self.call_id, version, at, state.value, event, json.dumps(detail)

    def _transcript(self) -> dict[str, Any]:
        greeting = "Good afternoon, how can I help you?"
        segments = [
            {"start_seconds": 0.4, "end_seconds": 3.1, "text": greeting, "stream": "agent"},
            {"start_seconds": 3.8, "end_seconds": 8.0, "text": self.said, "stream": "caller"},
        ]
        return {"text": f"{greeting}\n{self.said}", "segments": segments, "reason": None}

    def _analysis(self) -> dict[str, Any]:
        label = "positive" if self.score > 0.3 else "negative" if self.score < -0.2 else "neutral"
        return {"summary": self.summary, "sentiment": {"label": label, "score": self.score}}


def _state(number: int, chance: random.Random) -> CallState:
    if number < LIVE:
        return CallState.IN_PROGRESS
    if number < LIVE + WAITING:
        return CallState.COMPLETED
    if number < LIVE + WAITING + WITH_THE_AI:
        return CallState.PROCESSING_AI
    return CallState.FAILED if chance.randrange(100) < FAILED_OF_A_HUNDRED else CallState.ARCHIVED

"""The database itself refuses rows that the state machine cannot make."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import asyncpg
import pytest

from domain.call_state import CallState
from domain.packet import MAX_SEQUENCE

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
Row = Mapping[str, object]

IN_PROGRESS: Row = {
    "lane": 1,
    "call_id": "c-1",
    "state": "IN_PROGRESS",
    "encoding": "text/plain",
    "metadata": "{}",
    "started_at": AT,
    "version": 1,
}
COMPLETED: Row = {**IN_PROGRESS, "state": "COMPLETED", "completed_at": AT, "next_run_at": AT, "version": 2}
PROCESSING: Row = {**COMPLETED, "state": "PROCESSING_AI", "next_run_at": None, "runs": 2, "failed_runs": 1}
POSTPONED: Row = {**PROCESSING, "next_run_at": AT}
ARCHIVED: Row = {
    **PROCESSING,
    "state": "ARCHIVED",
    "archived_at": AT,
    "transcript": "{}",
    "transcript_is_current": True,
    "analysis": "{}",
}
FAILED: Row = {**PROCESSING, "state": "FAILED", "failure_reason": "ai_refused", "failure_detail": "401"}
AUDIO: Row = {**IN_PROGRESS, "encoding": "audio/x-mulaw", "sample_rate_hz": 8000, "channels": 1}
LEGAL = {
    "in progress": IN_PROGRESS,
    "completed": COMPLETED,
    "processing": PROCESSING,
    "postponed": POSTPONED,
    "archived": ARCHIVED,
    "failed": FAILED,
    "audio": AUDIO,
}

ILLEGAL: list[tuple[Row, Row, str]] = [
    (PROCESSING, {"state": "RINGING"}, "calls_state"),
    (PROCESSING, {"state": "processing_ai"}, "calls_state"),
    (IN_PROGRESS, {"completed_at": AT}, "calls_completed"),
    (COMPLETED, {"completed_at": None}, "calls_completed"),
    (IN_PROGRESS, {"runs": 1}, "calls_runs"),
    (COMPLETED, {"runs": 1}, "calls_runs"),
    (PROCESSING, {"runs": 0, "failed_runs": 0}, "calls_runs"),
    (IN_PROGRESS, {"next_run_at": AT}, "calls_due"),
    (ARCHIVED, {"next_run_at": AT}, "calls_due"),
    (FAILED, {"next_run_at": AT}, "calls_due"),
    (COMPLETED, {"next_run_at": None}, "calls_completed_is_due"),
    (ARCHIVED, {"archived_at": None}, "calls_archived"),
    (PROCESSING, {"archived_at": AT}, "calls_archived"),
    (ARCHIVED, {"transcript": None}, "calls_archived"),
    (ARCHIVED, {"transcript_is_current": False}, "calls_archived"),
    (ARCHIVED, {"analysis": None}, "calls_archived"),
    (FAILED, {"failure_reason": None, "failure_detail": None}, "calls_failed"),
    (PROCESSING, {"failure_reason": "ai_refused", "failure_detail": ""}, "calls_failed"),
    (FAILED, {"failure_detail": None}, "calls_failure"),
    (PROCESSING, {"failure_detail": "401"}, "calls_failure"),
    (IN_PROGRESS, {"sample_rate_hz": 8000}, "calls_media"),
    (IN_PROGRESS, {"channels": 1}, "calls_media"),
    (AUDIO, {"sample_rate_hz": None, "channels": None}, "calls_media"),
    (AUDIO, {"sample_rate_hz": None}, "calls_media"),
    (AUDIO, {"channels": None}, "calls_media"),
    (IN_PROGRESS, {"version": 0}, "calls_version"),
    (PROCESSING, {"failed_runs": 3}, "calls_version"),
    (PROCESSING, {"failed_runs": -1}, "calls_version"),
    (PROCESSING, {"abandoned_runs": 3}, "calls_abandoned_runs"),
    (PROCESSING, {"abandoned_runs": -1}, "calls_abandoned_runs"),
]


@pytest.mark.parametrize("row", LEGAL.values(), ids=LEGAL.keys())
async def test_a_legal_row_is_taken(pool: asyncpg.Pool, row: Row) -> None:
    """Without this, a test that an illegal one is refused would say nothing."""
    await insert(pool, "calls", row)


@pytest.mark.parametrize(("legal", "change", "constraint"), ILLEGAL)
async def test_an_illegal_row_is_refused(
    pool: asyncpg.Pool, legal: Row, change: Row, constraint: str
) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await insert(pool, "calls", {**legal, **change})
    assert caught.value.constraint_name == constraint


@pytest.mark.parametrize("constraint", ["calls_state", "call_events_state"])
async def test_the_states_are_those_of_the_state_machine(pool: asyncpg.Pool, constraint: str) -> None:
    assert await words_of(pool, constraint) == {state.value for state in CallState}


STREAM: Row = {
    "lane": 1,
    "call_id": "c-1",
    "stream": "main",
    "received": [asyncpg.Range(0, MAX_SEQUENCE + 1)],
    "received_bytes": 0,
}
PACKET: Row = {
    "call_day": AT.date(),
    "lane": 1,
    "call_id": "c-1",
    "stream": "main",
    "sequence": 0,
    "sent_at_seconds": 0.0,
    "data": b"",
}
EVENT: Row = {
    "lane": 1,
    "call_id": "c-1",
    "version": 1,
    "at": AT,
    "state": "COMPLETED",
    "event": "call_completed",
    "detail": "{}",
}


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("streams", STREAM),
        ("packets", PACKET),
        ("packets", {**PACKET, "sequence": MAX_SEQUENCE}),
        ("call_events", EVENT),
    ],
)
async def test_a_legal_row_of_the_other_tables_is_taken_once(
    pool: asyncpg.Pool, table: str, row: Row
) -> None:
    await insert(pool, table, row)
    with pytest.raises(asyncpg.UniqueViolationError):
        await insert(pool, table, row)


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("streams", {**STREAM, "received": []}),
        ("streams", {**STREAM, "received": [asyncpg.Range(-1, 3)]}),
        ("streams", {**STREAM, "received": [asyncpg.Range(1, MAX_SEQUENCE + 2)]}),
        ("streams", {**STREAM, "received": [asyncpg.Range(1, None)]}),
        ("streams", {**STREAM, "received": [asyncpg.Range(None, 3)]}),
        ("streams", {**STREAM, "received_bytes": -1}),
        ("streams", {**STREAM, "duplicates": -1}),
        ("packets", {**PACKET, "sequence": -1}),
        ("packets", {**PACKET, "sequence": MAX_SEQUENCE + 1}),
        ("call_events", {**EVENT, "version": 0}),
        ("call_events", {**EVENT, "state": "RINGING"}),
    ],
)
async def test_an_illegal_row_of_the_other_tables_is_refused(
    pool: asyncpg.Pool, table: str, row: Row
) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await insert(pool, table, row)


async def insert(pool: asyncpg.Pool, table: str, row: Row) -> None:
    numbers = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    await pool.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({numbers})", *row.values())  # noqa: S608


async def words_of(pool: asyncpg.Pool, constraint: str) -> set[str]:
    """The texts in a constraint's definition."""
    definition = await pool.fetchval(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1", constraint
    )
    return set(re.findall(r"'([^']+)'", definition))

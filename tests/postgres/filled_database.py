"""A database that has been at work: calls of several days, their packets, and a few that go on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

import asyncpg

from adapters.postgres.lanes import lane_of
from adapters.postgres.packet_days import PostgresPacketDays
from adapters.postgres.pool import open_pool

FIRST_DAY: Final = date(2026, 2, 1)
DAYS: Final = 10
CALLS_A_DAY: Final = 400
PACKETS_A_CALL: Final = 50
TODAY: Final = FIRST_DAY + timedelta(days=DAYS - 1)
LIVE: Final = 40
"""The last of the day's calls go on; as many before them wait for the AI."""

Row = tuple[object, ...]


def call_id(day: date, number: int) -> str:
    return f"{day:%m%d}-{number}"


def live_calls(count: int) -> list[str]:
    return [call_id(TODAY, CALLS_A_DAY - 1 - back) for back in range(count)]


async def fill(url: str) -> None:
    pool = await open_pool(url, largest=2)
    try:
        await PostgresPacketDays(pool).prepare([FIRST_DAY + timedelta(days=number) for number in range(DAYS)])
        async with pool.acquire() as connection:
            await _fill(connection)
            await connection.execute("ANALYZE")
        await PostgresPacketDays(pool).prepare([TODAY + timedelta(days=1)])  # and nobody knows anything of it
    finally:
        await pool.close()


async def _fill(connection: asyncpg.pool.PoolConnectionProxy) -> None:
    await connection.executemany(
        "INSERT INTO calls (lane, call_id, state, encoding, metadata, started_at, completed_at, archived_at,"
        " next_run_at, runs, transcript, transcript_is_current, analysis, version)"
        " VALUES ($1, $2, $3, 'text/plain', '{}', $4, $5, $6, $7, $8, $9, $10, $9, 5)",
        _calls(),
    )
    await connection.execute(
        "INSERT INTO packets (call_day, lane, call_id, stream, sequence, sent_at_seconds, data)"
        " SELECT started_at::date, lane, call_id, 'main', n, n, $1"
        " FROM calls, generate_series(1, $2::integer) AS n",
        bytes(160),
        PACKETS_A_CALL,
    )
    await connection.execute(
        "INSERT INTO streams SELECT lane, call_id, 'main', int8multirange(int8range(1, $1)), 800 FROM calls",
        PACKETS_A_CALL + 1,
    )
    await connection.execute(
        "INSERT INTO call_events"
        " SELECT lane, call_id, n, started_at, 'IN_PROGRESS', 'call_started', '{}',"
        " (row_number() OVER ())::text::xid8 FROM calls, generate_series(1, 5) AS n"
    )
    await connection.execute(
        "INSERT INTO pgqueuer (priority, status, entrypoint, dedupe_key, payload)"
        " SELECT 0, 'queued', 'process_call', 'call:' || call_id, call_id::bytea FROM calls"
        " WHERE state = 'COMPLETED'"
    )


def _calls() -> Iterator[Row]:
    for number in range(DAYS):
        day = FIRST_DAY + timedelta(days=number)
        for at in range(CALLS_A_DAY):
            left = CALLS_A_DAY - at if day == TODAY else CALLS_A_DAY
            yield _call(
                call_id(day, at), datetime(day.year, day.month, day.day, 12, 0, at % 60, tzinfo=UTC), left
            )


def _call(name: str, started_at: datetime, left: int) -> Row:
    if left <= LIVE:
        return lane_of(name), name, "IN_PROGRESS", started_at, None, None, None, 0, None, False
    if left <= 2 * LIVE:
        return lane_of(name), name, "COMPLETED", started_at, started_at, None, started_at, 0, None, False
    said = '{"text": "Thank you for calling."}'
    return lane_of(name), name, "ARCHIVED", started_at, started_at, started_at, None, 1, said, True

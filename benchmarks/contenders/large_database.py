"""A database with years of calls in it, filled once in a run, straight into the tables."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from adapters.postgres.packet_days import PostgresPacketDays
from adapters.postgres.pool import open_pool
from benchmarks import servers
from benchmarks.bench import Bench
from benchmarks.postgres import connected

DATABASE: Final = "large"
_CALLS_IN_A_STEP: Final = 5_000

# As adapters/postgres/lanes.py computes the lane.
_LANE: Final = "(crc32(convert_to(call_id, 'UTF8')) % 64)::smallint"

# Ten seconds apart, archived: what a database is mostly full of.
FILL_CALLS: Final = f"""
    INSERT INTO calls (lane, call_id, state, encoding, sample_rate_hz, channels, metadata, started_at,
        completed_at, archived_at, runs, transcript, transcript_is_current, analysis, version)
    SELECT {_LANE}, call_id, 'ARCHIVED', 'audio/x-mulaw', 8000, 1, '{{"from": "+15551234"}}',
        began, began + interval '1 minute', began + interval '2 minutes', 1,
        '{{"text": "Thank you for calling.", "language": "en", "segments": []}}', true,
        '{{"summary": "A short call.", "sentiment": {{"label": "neutral", "score": 0.0}}}}', 5
    FROM (
        SELECT 'stored-' || number AS call_id, now() - number * interval '10 seconds' AS began
        FROM generate_series($1::bigint, $2::bigint) AS number
    ) AS made
"""  # noqa: S608 # the lane is a constant

FILL_STREAMS: Final = f"""
    INSERT INTO streams (lane, call_id, stream, received, received_bytes)
    SELECT {_LANE}, call_id, 'main', int8multirange(int8range(1, $3::bigint + 1)), 160 * $3::bigint
    FROM (
        SELECT 'stored-' || number AS call_id FROM generate_series($1::bigint, $2::bigint) AS number
    ) AS made
"""  # noqa: S608 # the lane is a constant

FILL_EVENTS: Final = f"""
    INSERT INTO call_events (lane, call_id, version, at, state, event, detail)
    SELECT {_LANE}, call_id, version,
        now() - number * interval '10 seconds' + version * interval '20 seconds',
        state, event, detail::jsonb
    FROM (
        SELECT number, 'stored-' || number AS call_id FROM generate_series($1::bigint, $2::bigint) AS number
    ) AS made,
    (VALUES (1, 'IN_PROGRESS', 'call_started', '{{}}'), (2, 'COMPLETED', 'call_completed', '{{}}'),
        (3, 'PROCESSING_AI', 'run_started', '{{"run": 1}}'),
        (4, 'PROCESSING_AI', 'call_transcribed', '{{"run": 1}}'),
        (5, 'ARCHIVED', 'call_archived', '{{"run": 1}}')) AS events (version, state, event, detail)
"""  # noqa: S608 # the lane is a constant

FILL_PACKETS: Final = f"""
    INSERT INTO packets (call_day, lane, call_id, stream, sequence, sent_at_seconds, data)
    SELECT (started_at AT TIME ZONE 'UTC')::date, lane, call_id, 'main', sequence,
        1700000000 + 0.02 * sequence, decode(repeat(md5(number::text || '-' || sequence::text), 10), 'hex')
    FROM (
        SELECT number, call_id, {_LANE}::smallint AS lane FROM (
            SELECT number, 'stored-' || number AS call_id
            FROM generate_series($1::bigint, $2::bigint) AS number
        ) AS named
    ) AS made JOIN calls USING (lane, call_id), generate_series(1, $3::bigint) AS sequence
"""  # noqa: S608 # the lane is a constant


CALL_DAYS: Final = "SELECT DISTINCT (started_at AT TIME ZONE 'UTC')::date AS day FROM calls"


def stored_call_id(number: int) -> str:
    """Of call ``number``, from 0."""
    return f"stored-{number}"


@asynccontextmanager
async def database_for(bench: Bench, name: str, *, large: bool) -> AsyncIterator[str]:
    """A fresh database that goes again, or the large one, made when it is first asked for, which stays."""
    if large:
        if not await bench.postgres.has_database(DATABASE):
            await _fill(bench)
        await bench.postgres.checkpoint()
        yield bench.postgres.url_of(DATABASE)
    else:
        async with bench.postgres.fresh_database(name) as database_url:
            yield database_url


async def _fill(bench: Bench) -> None:
    options = bench.options
    packets_per_call = max(1, options.large_packets // options.large_calls)
    filling = f"{DATABASE}-filling"
    await bench.postgres.create(filling)
    await servers.migrate(bench, bench.postgres.url_of(filling))
    async with connected(bench.postgres.url_of(filling)) as connection:
        await connection.execute("SET synchronous_commit = off")  # of the filling alone
        for first in range(0, options.large_calls, _CALLS_IN_A_STEP):
            last = min(first + _CALLS_IN_A_STEP, options.large_calls) - 1
            await _fill_calls(connection, first, last, packets_per_call)
            await _make_days(bench.postgres.url_of(filling))
            await connection.execute(FILL_PACKETS, first, last, packets_per_call)
            bench.say(f"filling the large database: {(last + 1) * packets_per_call:,} packets")
        await connection.execute("VACUUM ANALYZE")
    await bench.postgres.rename(filling, DATABASE)


async def _fill_calls(connection: asyncpg.Connection, first: int, last: int, packets_per_call: int) -> None:
    await connection.execute(FILL_CALLS, first, last)
    await connection.execute(FILL_STREAMS, first, last, packets_per_call)
    await connection.execute(FILL_EVENTS, first, last)


async def _make_days(database_url: str) -> None:
    """The partitions that the calls' packets go into."""
    pool = await open_pool(database_url, largest=2)
    try:
        days = [row["day"] for row in await pool.fetch(CALL_DAYS)]
        await PostgresPacketDays(pool).prepare(days)
    finally:
        await pool.close()

"""Reading calls and packets without locks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import asyncpg
import attrs

from adapters.postgres.call_rows import CALL_COLUMNS, call_from_row, event_from_row, with_streams
from adapters.postgres.lanes import lane_of
from adapters.postgres.packet_days import day_of
from adapters.postgres.pages import FOR_SEARCHING, page_of_calls, page_of_packets
from adapters.postgres.pool import ACQUIRE_SECONDS
from adapters.postgres.trouble import nothing_stored
from application.ports import (
    Backlog,
    CallPosition,
    CallView,
    FailureGroup,
    PacketPosition,
    PacketRun,
    Wanted,
)
from domain.analysis import FailureReason
from domain.call import Call
from domain.call_state import CallState
from domain.packet import Packet

CALL: Final = f"SELECT {CALL_COLUMNS} FROM calls WHERE lane = $1 AND call_id = $2"  # noqa: S608 # constants

STREAMS: Final = """
    SELECT call_id, stream, received, received_bytes, duplicates, last_packet_at FROM streams
    WHERE lane = ANY($1::smallint[]) AND call_id = ANY($2::text[])
"""

EVENTS: Final = """
    SELECT version, at, state, event, detail FROM call_events
    WHERE lane = $1 AND call_id = $2 ORDER BY version
"""

STARTED_AT: Final = "SELECT started_at FROM calls WHERE lane = $1 AND call_id = $2"

# The first packet of each run, and the last of all, each with the one before it: an hour's packets are all of
# one size but for a few, so a few rows say what 180,000 would.
PACKET_RUNS: Final = """
    SELECT sequence, byte_count, sequence_before, begins FROM (
        SELECT sequence, byte_count, sequence_before, is_last,
            sequence_before IS DISTINCT FROM sequence - 1 OR byte_count_before <> byte_count AS begins
        FROM (
            SELECT sequence, length(data) AS byte_count, lag(sequence) OVER in_order AS sequence_before,
                lag(length(data)) OVER in_order AS byte_count_before,
                lead(sequence) OVER in_order IS NULL AS is_last
            FROM packets
            WHERE call_day = DATE '{day}' AND lane = $1 AND call_id = $2 AND stream = $3
            WINDOW in_order AS (ORDER BY sequence)
        ) AS neighbours
    ) AS compared
    WHERE begins OR is_last ORDER BY sequence
"""

CALLS_BY_STATE: Final = "SELECT state, count(*) AS calls FROM calls GROUP BY state"

# Each reason's newest call by the index of those that failed. A call that is FAILED failed in its last event.
FAILURES: Final = """
    SELECT grouped.failure_reason, grouped.calls, newest.failure_detail, failed.at
    FROM (
        SELECT failure_reason, count(*) AS calls FROM calls
        WHERE failure_reason IS NOT NULL GROUP BY failure_reason
    ) AS grouped CROSS JOIN LATERAL (
        SELECT lane, call_id, version, failure_detail FROM calls
        WHERE calls.failure_reason = grouped.failure_reason
        ORDER BY started_at DESC, call_id DESC LIMIT 1
    ) AS newest CROSS JOIN LATERAL (
        SELECT at FROM call_events
        WHERE call_events.lane = newest.lane AND call_events.call_id = newest.call_id
        AND call_events.version = newest.version
    ) AS failed
    ORDER BY grouped.calls DESC, grouped.failure_reason
"""

JOBS: Final = """
    SELECT count(*) FILTER (WHERE status = 'queued' AND execute_after <= now()) AS due,
        count(*) FILTER (WHERE status = 'queued' AND execute_after > now()) AS scheduled,
        count(*) FILTER (WHERE status = 'picked') AS running,
        coalesce(extract(epoch FROM now() - min(execute_after)
            FILTER (WHERE status = 'queued' AND execute_after <= now())), 0)::float8 AS oldest_seconds
    FROM pgqueuer
"""


@attrs.frozen
class PostgresCallReader:
    """Implements CallReader and BacklogReader."""

    _pool: asyncpg.Pool

    async def find(self, call_id: str) -> CallView | None:
        lane = lane_of(call_id)
        with nothing_stored():
            async with (
                self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                row = await connection.fetchrow(CALL, lane, call_id)
                if row is None:
                    return None
                streams = await connection.fetch(STREAMS, [lane], [call_id])
                events = await connection.fetch(EVENTS, lane, call_id)
        call = with_streams([call_from_row(row)], streams)[call_id]
        return CallView(call, tuple(event_from_row(event) for event in events))

    async def newest(self, wanted: Wanted, after: CallPosition | None, limit: int) -> Sequence[Call]:
        statement, values = page_of_calls(wanted, after, limit)
        with nothing_stored():
            async with (
                self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection,
                connection.transaction(readonly=True),
            ):
                if wanted.words:
                    await connection.execute(FOR_SEARCHING)
                rows = await connection.fetch(statement, *values)
                ids = [row["call_id"] for row in rows]
                lanes = sorted({lane_of(call_id) for call_id in ids})
                streams = await connection.fetch(STREAMS, lanes, ids)
        return list(with_streams((call_from_row(row) for row in rows), streams).values())

    async def failures(self) -> Sequence[FailureGroup]:
        with nothing_stored():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                rows = await connection.fetch(FAILURES)
        return [
            FailureGroup(FailureReason(row["failure_reason"]), row["calls"], row["at"], row["failure_detail"])
            for row in rows
        ]

    async def packets(
        self, call_id: str, stream: str | None, after: PacketPosition | None, limit: int
    ) -> Sequence[Packet]:
        day = await self._day_of(call_id)
        if day is None:
            return []
        statement, values = page_of_packets(day, call_id, stream, after, limit)
        with nothing_stored():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                rows = await connection.fetch(statement, *values)
        return [
            Packet(row["call_id"], row["stream"], row["sequence"], row["sent_at_seconds"], row["data"])
            for row in rows
        ]

    async def packet_runs(self, call_id: str, stream: str) -> Sequence[PacketRun]:
        day = await self._day_of(call_id)
        if day is None:
            return []
        statement = PACKET_RUNS.format(day=day)
        with nothing_stored():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                rows = await connection.fetch(statement, lane_of(call_id), call_id, stream)
        begins = [row for row in rows if row["begins"]]
        lasts = [row["sequence_before"] for row in begins[1:]] + [row["sequence"] for row in rows[-1:]]
        return [
            PacketRun(row["sequence"], last - row["sequence"] + 1, row["byte_count"])
            for row, last in zip(begins, lasts, strict=True)
        ]

    async def _day_of(self, call_id: str) -> date | None:
        """In whose partition the call's packets lie. None for an unknown call."""
        with nothing_stored():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                started_at = await connection.fetchval(STARTED_AT, lane_of(call_id), call_id)
        return day_of(started_at) if started_at else None

    async def backlog(self) -> Backlog:
        with nothing_stored():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                by_state = await connection.fetch(CALLS_BY_STATE)
                jobs = await connection.fetchrow(JOBS)
        assert jobs is not None, "an aggregate always has a row"
        counts = {CallState(row["state"]): row["calls"] for row in by_state}
        return Backlog(
            calls={state: counts.get(state, 0) for state in CallState},
            jobs_due=jobs["due"],
            jobs_scheduled=jobs["scheduled"],
            jobs_running=jobs["running"],
            oldest_job_seconds=jobs["oldest_seconds"],
        )

"""Reading calls and packets without locks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import asyncpg
import attrs

from adapters.postgres.call_rows import CALL_COLUMNS, call_from_row, event_from_row, with_streams
from adapters.postgres.lanes import lane_of
from adapters.postgres.pool import ACQUIRE_SECONDS
from adapters.postgres.trouble import nothing_stored
from application.ports import Backlog, CallPosition, CallView, PacketPosition
from domain.call import Call
from domain.call_state import CallState
from domain.packet import Packet

PAGE_BYTES: Final = 8 * 1024 * 1024
"""A page of packets ends where it would grow past this."""

CALL: Final = f"SELECT {CALL_COLUMNS} FROM calls WHERE lane = $1 AND call_id = $2"  # noqa: S608 # constants

STREAMS: Final = """
    SELECT call_id, stream, received, received_bytes FROM streams
    WHERE lane = ANY($1::smallint[]) AND call_id = ANY($2::text[])
"""

EVENTS: Final = """
    SELECT version, at, state, event, detail FROM call_events
    WHERE lane = $1 AND call_id = $2 ORDER BY version
"""

# Segments and partial transcripts are most of a call's weight, and a list shows neither.
LISTED_COLUMNS: Final = CALL_COLUMNS.replace(
    " transcript,", " transcript - 'segments' AS transcript,"
).replace(" partial_transcripts,", " '{}'::jsonb AS partial_transcripts,")

NEWEST: Final = f"""
    SELECT {LISTED_COLUMNS} FROM calls
    WHERE ($1::text IS NULL OR state = $1)
    AND ($2::timestamptz IS NULL OR (started_at, call_id) < ($2, $3))
    ORDER BY started_at DESC, call_id DESC LIMIT $4
"""  # noqa: S608 # the columns are a constant

PACKETS: Final = """
    SELECT call_id, stream, sequence, sent_at_seconds, data FROM (
        SELECT *, sum(length(data)) OVER (ORDER BY stream, sequence) - length(data) AS bytes_before
        FROM (
            SELECT call_id, stream, sequence, sent_at_seconds, data FROM packets
            WHERE lane = $1 AND call_id = $2
            AND ($3::text IS NULL OR stream = $3)
            AND ($4::text IS NULL OR (stream, sequence) > ($4, $5::bigint))
            ORDER BY stream, sequence LIMIT $6
        ) AS page
    ) AS measured
    WHERE bytes_before < $7 ORDER BY stream, sequence
"""

PACKET_SIZES: Final = """
    SELECT sequence, length(data) AS byte_count FROM packets
    WHERE lane = $1 AND call_id = $2 AND stream = $3 ORDER BY sequence
"""

CALLS_BY_STATE: Final = "SELECT state, count(*) AS calls FROM calls GROUP BY state"

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

    async def newest(self, state: CallState | None, after: CallPosition | None, limit: int) -> Sequence[Call]:
        with nothing_stored():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                rows = await connection.fetch(
                    NEWEST,
                    state.value if state else None,
                    after.started_at if after else None,
                    after.call_id if after else None,
                    limit,
                )
                ids = [row["call_id"] for row in rows]
                lanes = sorted({lane_of(call_id) for call_id in ids})
                streams = await connection.fetch(STREAMS, lanes, ids)
        return list(with_streams((call_from_row(row) for row in rows), streams).values())

    async def packets(
        self, call_id: str, stream: str | None, after: PacketPosition | None, limit: int
    ) -> Sequence[Packet]:
        with nothing_stored():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                rows = await connection.fetch(
                    PACKETS,
                    lane_of(call_id),
                    call_id,
                    stream,
                    after.stream if after else None,
                    after.sequence if after else None,
                    limit,
                    PAGE_BYTES,
                )
        return [
            Packet(row["call_id"], row["stream"], row["sequence"], row["sent_at_seconds"], row["data"])
            for row in rows
        ]

    async def packet_sizes(self, call_id: str, stream: str) -> Sequence[tuple[int, int]]:
        with nothing_stored():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                rows = await connection.fetch(PACKET_SIZES, lane_of(call_id), call_id, stream)
        return [(row["sequence"], row["byte_count"]) for row in rows]

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

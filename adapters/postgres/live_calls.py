"""What goes on: the calls of which packets come, and what the AI has to do."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

import asyncpg
import attrs

from adapters.postgres.call_reader import JOBS
from adapters.postgres.call_rows import media_from_row, stream_from_row
from adapters.postgres.pool import ACQUIRE_SECONDS
from adapters.postgres.trouble import nothing_stored
from application.feed_ports import AiBacklog, LiveCall
from application.turns import in_turns

# Call by call: to join with streams, PostgreSQL might read all of them.
RECEIVING: Final = """
    SELECT live.call_id, live.encoding, live.sample_rate_hz, live.channels,
        heard.stream, heard.received, heard.received_bytes, heard.duplicates
    FROM (
        SELECT lane, call_id, encoding, sample_rate_hz, channels, started_at FROM calls
        WHERE state = 'IN_PROGRESS' ORDER BY started_at DESC, call_id DESC LIMIT $2
    ) AS live CROSS JOIN LATERAL (
        SELECT stream, received, received_bytes, duplicates, max(last_packet_at) OVER () AS heard_at
        FROM streams
        WHERE streams.lane = live.lane AND streams.call_id = live.call_id
        OFFSET 0
    ) AS heard
    WHERE heard.heard_at >= clock_timestamp() - make_interval(secs => $1)
    ORDER BY live.started_at DESC, live.call_id DESC, heard.stream
"""


@attrs.frozen
class PostgresLiveCalls:
    """Implements LiveCalls and AiBacklogReader."""

    _pool: asyncpg.Pool

    async def receiving(self, heard_within_seconds: float, most: int) -> Sequence[LiveCall]:
        with nothing_stored():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                rows = await connection.fetch(RECEIVING, heard_within_seconds, most)
        of_calls = [list(of_call) for _, of_call in groupby(rows, lambda row: row["call_id"])]
        return [_live_call(of_call) async for of_call in in_turns(of_calls)]

    async def ai_backlog(self) -> AiBacklog:
        with nothing_stored():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                jobs = await connection.fetchrow(JOBS)
        assert jobs is not None, "an aggregate always has a row"
        return AiBacklog(
            waiting=jobs["due"] + jobs["scheduled"],
            processing=jobs["running"],
            oldest_seconds=jobs["oldest_seconds"] if jobs["due"] else None,
        )


def _live_call(rows: Sequence[asyncpg.Record]) -> LiveCall:
    return LiveCall(rows[0]["call_id"], media_from_row(rows[0]), tuple(stream_from_row(row) for row in rows))

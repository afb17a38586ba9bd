"""Batches of calls to reprocess, in tables."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from math import ceil
from typing import Final
from uuid import UUID

import asyncpg
import attrs

from adapters.postgres.pool import ACQUIRE_SECONDS, Connection
from adapters.postgres.trouble import nothing_stored, perhaps_stored
from application.reprocess_ports import BatchItem, BatchProgress, ListedBatch, Outcome
from domain.analysis import FailureReason

TURN_SECONDS: Final = 0.2
"""So much of a second's calls is taken at once; one at least."""

FORGET_OLD: Final = "DELETE FROM reprocess_batches WHERE finished_at < now() - interval '30 days'"

ADD: Final = """
    INSERT INTO reprocess_batches (per_second, failure_reason, all_failed) VALUES ($1, $2, $3)
    RETURNING batch_id
"""

ADD_CALLS: Final = """
    INSERT INTO reprocess_items (batch_id, place, call_id)
    SELECT $1, min(place), call_id FROM unnest($2::text[]) WITH ORDINALITY AS named (call_id, place)
    GROUP BY call_id
"""

ADD_FAILED: Final = """
    INSERT INTO reprocess_items (batch_id, place, call_id)
    SELECT $1, row_number() OVER (ORDER BY started_at, call_id), call_id FROM calls
    WHERE failure_reason IS NOT NULL AND ($2::text IS NULL OR failure_reason = $2)
    ORDER BY started_at, call_id LIMIT $3
"""

COUNTED: Final = """
    count(*) AS total, count(*) FILTER (WHERE outcome = 'done') AS done,
    count(*) FILTER (WHERE outcome = 'refused') AS refused
"""

PROGRESS: Final = f"SELECT {COUNTED} FROM reprocess_items WHERE batch_id = $1"  # noqa: S608 # constants

RECENT: Final = f"""
    SELECT batch_id, created_at, per_second, failure_reason, all_failed, total, done, refused
    FROM (
        SELECT * FROM reprocess_batches
        WHERE finished_at IS NULL OR finished_at > clock_timestamp() - make_interval(secs => $1)
        ORDER BY finished_at IS NOT NULL, created_at DESC, batch_id LIMIT $2
    ) AS recent CROSS JOIN LATERAL (
        SELECT {COUNTED} FROM reprocess_items AS item WHERE item.batch_id = recent.batch_id
    ) AS counted
    ORDER BY finished_at IS NOT NULL, created_at DESC, batch_id
"""  # noqa: S608 # constants

UNFINISHED: Final = "SELECT EXISTS (SELECT FROM reprocess_batches WHERE finished_at IS NULL)"

DUE: Final = """
    SELECT batch_id, per_second FROM reprocess_batches
    WHERE finished_at IS NULL AND next_at <= clock_timestamp()
    ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""

# `first_begun_at` is what it was before: None where nobody was at it yet.
TAKE: Final = """
    WITH open AS (
        SELECT batch_id, place, first_begun_at FROM reprocess_items
        WHERE batch_id = $1 AND outcome IS NULL
        AND (begun_at IS NULL OR begun_at < clock_timestamp() - make_interval(secs => $2))
        ORDER BY place LIMIT $3
    )
    UPDATE reprocess_items AS item
    SET begun_at = clock_timestamp(), first_begun_at = coalesce(item.first_begun_at, clock_timestamp())
    FROM open WHERE item.batch_id = open.batch_id AND item.place = open.place
    RETURNING item.place, item.call_id, open.first_begun_at
"""

NEXT_TURN: Final = """
    UPDATE reprocess_batches SET next_at = clock_timestamp() + make_interval(secs => $2),
        finished_at = CASE WHEN EXISTS (SELECT FROM reprocess_items WHERE batch_id = $1 AND outcome IS NULL)
            THEN NULL ELSE clock_timestamp() END
    WHERE batch_id = $1
"""

FINISH: Final = """
    UPDATE reprocess_items SET outcome = $3 WHERE batch_id = $1 AND place = $2 AND outcome IS NULL
"""


@attrs.frozen
class PostgresReprocessBatches:
    """Implements ReprocessBatches. A batch's row, locked, makes processes take turns at it."""

    _pool: asyncpg.Pool

    async def add(self, call_ids: Sequence[str], per_second: float) -> tuple[str, int]:
        return await self._add((per_second, None, False), ADD_CALLS, list(call_ids))

    async def add_failed(self, reason: FailureReason | None, per_second: float, most: int) -> tuple[str, int]:
        its_name = reason.value if reason else None
        return await self._add((per_second, its_name, reason is None), ADD_FAILED, its_name, most)

    async def _add(
        self, asked: tuple[float, str | None, bool], statement: str, *values: object
    ) -> tuple[str, int]:
        """``asked`` has the rate, the reason, and whether all that failed were asked for."""
        with perhaps_stored():
            async with self._transaction() as connection:
                await connection.execute(FORGET_OLD)
                batch_id: UUID = await connection.fetchval(ADD, *asked)
                status = await connection.execute(statement, batch_id, *values)
        return str(batch_id), int(status.split()[-1])

    async def progress(self, batch_id: str) -> BatchProgress | None:
        try:
            its_id = UUID(batch_id)
        except ValueError:
            return None
        with nothing_stored():
            async with self._transaction() as connection:
                if not await connection.fetchval(
                    "SELECT EXISTS (SELECT FROM reprocess_batches WHERE batch_id = $1)", its_id
                ):
                    return None
                row = await connection.fetchrow(PROGRESS, its_id)
        assert row is not None, "an aggregate always has a row"
        return BatchProgress(row["total"], row["done"], row["refused"])

    async def recent(self, finished_within_seconds: float, most: int) -> Sequence[ListedBatch]:
        with nothing_stored():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                rows = await connection.fetch(RECENT, finished_within_seconds, most)
        return [
            ListedBatch(
                batch_id=str(row["batch_id"]),
                created_at=row["created_at"],
                per_second=row["per_second"],
                failure_reason=FailureReason(row["failure_reason"]) if row["failure_reason"] else None,
                all_failed=row["all_failed"],
                progress=BatchProgress(row["total"], row["done"], row["refused"]),
            )
            for row in rows
        ]

    async def take(self, lease_seconds: float) -> Sequence[BatchItem] | None:
        with nothing_stored():
            async with self._transaction() as connection:
                batch = await connection.fetchrow(DUE)
                if batch is None:
                    return [] if await connection.fetchval(UNFINISHED) else None
                batch_id, per_second = batch["batch_id"], batch["per_second"]
                most = ceil(per_second * TURN_SECONDS)
                rows = await connection.fetch(TAKE, batch_id, lease_seconds, most)
                turn_seconds = len(rows) / per_second if rows else 1.0
                await connection.execute(NEXT_TURN, batch_id, turn_seconds)
        return [
            BatchItem(str(batch_id), row["place"], row["call_id"], row["first_begun_at"])
            for row in sorted(rows, key=lambda row: row["place"])
        ]

    async def finish(self, item: BatchItem, outcome: Outcome) -> None:
        with nothing_stored():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                await connection.execute(FINISH, UUID(item.batch_id), item.place, outcome.value)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
            yield connection

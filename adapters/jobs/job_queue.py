"""The wake-ups for processing, kept by PgQueuer in the caller's own transaction."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Final, cast

import asyncpg
from pgqueuer.adapters.persistence.queries import Queries

from adapters.postgres.pool import Connection
from adapters.postgres.trouble import nothing_stored
from domain.call_state import CallState

ENTRYPOINT: Final = "process_call"

HASTEN: Final = """
    UPDATE pgqueuer SET execute_after = now()
    WHERE dedupe_key = $1 AND status = 'queued' AND execute_after > now()
"""

# The states are written out, so that PostgreSQL knows how few calls are in them: it would else read them all.
CALLS_WITHOUT_JOB: Final = """
    SELECT call_id, coalesce(greatest(extract(epoch FROM next_run_at - now()), 0), 0)::float8 AS seconds
    FROM calls
    WHERE state IN ({states}) AND NOT EXISTS (
        SELECT FROM pgqueuer
        WHERE dedupe_key = 'call:' || call_id AND status IN ('queued', 'picked')
    )
    LIMIT $1
"""

FORGET_FINISHED: Final = (
    "DELETE FROM pgqueuer_log WHERE created < now() - interval '1 day'",
    "DELETE FROM pgqueuer_statistics WHERE created < now() - interval '30 days'",
)


class PgQueuerJobQueue:
    """Implements JobQueue. One job for each call, by its dedupe key."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def schedule(self, call_id: str, in_seconds: float) -> None:
        with nothing_stored():
            queries = Queries.from_asyncpg_connection(cast(asyncpg.Connection, self._connection))
            await queries.enqueue(
                ENTRYPOINT,
                call_id.encode(),
                execute_after=timedelta(seconds=in_seconds),
                dedupe_key=_dedupe_key(call_id),
                on_conflict="skip",
            )

    async def hasten(self, call_id: str) -> None:
        with nothing_stored():
            await self._connection.execute(HASTEN, _dedupe_key(call_id))

    async def calls_without_job(self, states: Collection[CallState], most: int) -> dict[str, float]:
        statement = CALLS_WITHOUT_JOB.format(states=", ".join(f"'{state.value}'" for state in states))
        with nothing_stored():
            rows = await self._connection.fetch(statement, most)
        return {row["call_id"]: row["seconds"] for row in rows}


async def forget_finished_jobs(pool: asyncpg.Pool) -> None:
    """PgQueuer keeps a log of every job for ever; a day of it is enough. Raises StorageUnavailable."""
    with nothing_stored():
        for statement in FORGET_FINISHED:
            await pool.execute(statement)


def _dedupe_key(call_id: str) -> str:
    return f"call:{call_id}"

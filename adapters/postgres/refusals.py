"""What was refused on replay, in a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg
import attrs

from adapters.postgres.pages import Conditions
from adapters.postgres.pool import ACQUIRE_SECONDS
from adapters.postgres.spooled_entries import from_json, to_json
from adapters.postgres.trouble import nothing_stored
from application.ports import JournalEntry, KeptRefusal, Refusal, RefusalPosition

KEEP: Final = """
    INSERT INTO spool_refusals (entry_id, spooled_at, what, call_id, reason, detail, entry)
    VALUES ($1, to_timestamp($2), $3, $4, $5, $6, $7) ON CONFLICT (entry_id) DO NOTHING
"""

INSTALLATION: Final = """
    WITH made AS (INSERT INTO installation DEFAULT VALUES ON CONFLICT DO NOTHING RETURNING id)
    SELECT id FROM made UNION ALL SELECT id FROM installation LIMIT 1
"""


async def installation_id(pool: asyncpg.Pool) -> UUID:
    """The same for every process on this database, for ever. Raises StorageUnavailable."""
    with nothing_stored():
        async with pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
            found: UUID | None = None
            while found is None:  # another process was just making it
                found = await connection.fetchval(INSTALLATION)
    return found


@attrs.frozen
class PostgresRefusals:
    """Implements Refusals."""

    _pool: asyncpg.Pool

    async def keep(self, refusals: Sequence[Refusal]) -> None:
        with nothing_stored():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                await connection.executemany(KEEP, [_row(refusal) for refusal in refusals])

    async def newest(self, after: RefusalPosition | None, limit: int) -> Sequence[KeptRefusal]:
        asked = Conditions([limit])
        if after is not None:
            asked.add("(at, entry_id) < ({}, {})", after.at, after.entry_id)
        statement = f"""
            SELECT entry_id, at, spooled_at, what, call_id, reason, detail, entry FROM spool_refusals
            WHERE {asked} ORDER BY at DESC, entry_id DESC LIMIT $1
        """  # noqa: S608 # constants and places
        with nothing_stored():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                rows = await connection.fetch(statement, *asked.values)
        return [_kept(row) for row in rows]


def _row(refusal: Refusal) -> tuple[str, float, str, str, str, str, str]:
    entry = refusal.entry
    what, text = to_json(entry.command)
    return entry.entry_id, entry.at, what, entry.command.call_id, refusal.reason, refusal.detail, text


def _kept(row: asyncpg.Record) -> KeptRefusal:
    command = from_json(row["what"], row["call_id"], row["entry"])
    entry = JournalEntry(row["entry_id"], row["spooled_at"].timestamp(), command)
    return KeptRefusal(row["at"], Refusal(entry, row["reason"], row["detail"]))

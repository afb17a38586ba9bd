"""The schema: plain SQL files, applied in order, each once."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from typing import Final

import asyncpg
from pogo_core.error import BadMigrationError
from pogo_core.util import migrate, sql

MIGRATIONS: Final = Path(__file__).parent / "migrations"

LOCK_SECONDS: Final = 8.0
"""So long a migration waits for a table at most: whoever needs that table meanwhile waits behind it."""

_SCHEMA: Final = "public"
_LOCK_KEY: Final = 0x7472756E6B  # "trunk": any number will do that all starting processes share
_ASK_AGAIN_SECONDS: Final = 0.1

_TROUBLE: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)

log = logging.getLogger(__name__)


class MigrationFailed(Exception):
    """A migration could not be applied; those before it stay. The message is one line."""


async def migrate_to_latest(
    connection: asyncpg.Connection, lock_timeout_seconds: float = LOCK_SECONDS
) -> list[str]:
    """Apply what is missing, and name it. Any number of processes may try at once: the others wait.

    Raises MigrationFailed, also where a lock that a migration needs is not given in time.
    """
    await _wait_for_turn(connection)
    await connection.execute(f"SET lock_timeout = '{lock_timeout_seconds:g}s'")
    try:
        missing = await pending_migrations(connection)
        if missing:
            await migrate.apply(connection, MIGRATIONS, schema_name=_SCHEMA, logger=log)
    except BadMigrationError as error:
        raise MigrationFailed(_one_line(f"{error}: {error.__cause__}")) from error
    except _TROUBLE as error:
        raise MigrationFailed(_one_line(str(error))) from error
    else:
        return missing
    finally:
        with suppress(*_TROUBLE):  # whoever has lost the connection has lost the lock
            await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK_KEY)


def _one_line(message: str) -> str:
    """PostgreSQL adds details and hints in lines of their own."""
    return "; ".join(line.strip() for line in message.splitlines())


async def _wait_for_turn(connection: asyncpg.Connection) -> None:
    """As long as another migrates.

    Not in one statement that waits: an index that is built concurrently waits for all of those.
    """
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK_KEY):  # noqa: ASYNC110 # a lock
        await asyncio.sleep(_ASK_AGAIN_SECONDS)


async def pending_migrations(connection: asyncpg.Connection) -> list[str]:
    """Names of the migrations that this release has and the database has not."""
    applied: set[str] = set()
    if await connection.fetchval("SELECT to_regclass('public._pogo_migration') IS NOT NULL"):
        applied = await sql.get_applied_migrations(connection, schema_name=_SCHEMA)
    return sorted(path.stem for path in MIGRATIONS.glob("*.sql") if path.stem not in applied)

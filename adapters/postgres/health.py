"""Whether the database can be worked with."""

from __future__ import annotations

from typing import cast

import asyncpg

from adapters.postgres.schema import pending_migrations
from adapters.postgres.trouble import nothing_stored


async def ask_database(pool: asyncpg.Pool) -> str:
    """`ok`. Raises StorageUnavailable."""
    with nothing_stored():
        await pool.execute("SELECT 1")
    return "ok"


async def ask_schema(pool: asyncpg.Pool) -> str:
    """`ok`, or which migrations are missing. Raises StorageUnavailable."""
    with nothing_stored():
        async with pool.acquire() as connection:
            missing = await pending_migrations(cast(asyncpg.Connection, connection))
    return "ok" if not missing else f"lacks {', '.join(missing)}"

"""Connections to PostgreSQL."""

from __future__ import annotations

from typing import Final

import asyncpg

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy
"""A connection of its own, or one lent by the pool."""

COMMAND_SECONDS: Final = 10
"""A statement that takes longer has met trouble; its outcome counts as unknown."""

ACQUIRE_SECONDS: Final = 5

# Given at connect time: a pool's own `init` is undone when a connection is handed out again.
_SESSION: Final = {
    "application_name": "trunkline",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "lock_timeout": "8s",
    "idle_in_transaction_session_timeout": "30s",
}


async def _leave_session(connection: asyncpg.Connection) -> None:
    """Nothing here changes a session but by ``SET LOCAL``: resetting it would cost a turn for each batch."""


async def open_pool(database_url: str, *, largest: int) -> asyncpg.Pool:
    """A pool of at most ``largest`` connections. Raises OSError or asyncpg.PostgresError."""
    return await asyncpg.create_pool(
        database_url,
        min_size=1,
        max_size=largest,
        command_timeout=COMMAND_SECONDS,
        timeout=ACQUIRE_SECONDS,
        reset=_leave_session,
        server_settings=_SESSION,
    )


async def connect(database_url: str) -> asyncpg.Connection:
    """One connection outside the pool, without a time limit on statements. Raises like :func:`open_pool`."""
    return await asyncpg.connect(database_url, timeout=ACQUIRE_SECONDS, server_settings=_SESSION)

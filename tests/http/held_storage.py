"""Making the storage wait, and knowing when it does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import asyncpg

from tests.http.running_service import RunningService

WAITING = """
    SELECT count(*) FROM pg_locks
    WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@contextmanager
def held_storage(service: RunningService) -> Iterator[None]:
    """Meanwhile nothing can be written to a call; reading goes on."""
    pool: asyncpg.Pool = service.container.pool()
    connection = service.run(_acquired(pool))
    service.run(connection.execute("BEGIN; LOCK TABLE calls IN EXCLUSIVE MODE"))
    try:
        yield
    finally:
        service.run(connection.execute("ROLLBACK"))
        service.run(pool.release(connection))


async def _acquired(pool: asyncpg.Pool) -> asyncpg.pool.PoolConnectionProxy:
    return await pool.acquire()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 # what it waits for happens in another thread
            await asyncio.sleep(0.01)


async def until_somebody_waits(service: RunningService) -> None:
    """For the storage that is held."""
    await until(lambda: service.run(service.container.pool().fetchval(WAITING)) > 0)

"""The transaction promise, kept by PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime

import asyncpg
import attrs

from adapters.postgres.call_repository import PostgresCallRepository
from adapters.postgres.packet_repository import PostgresPacketRepository
from adapters.postgres.pool import Connection
from adapters.postgres.trouble import nothing_stored, perhaps_stored
from application.ports import JobQueue
from application.unit_of_work import open_unit_of_work

JobQueueOn = Callable[[Connection], JobQueue]
"""Makes the job queue that takes part in a connection's transaction."""


@attrs.define(eq=False)
class PostgresUnitOfWork:
    """Implements UnitOfWork on one connection with an open transaction."""

    calls: PostgresCallRepository
    packets: PostgresPacketRepository
    jobs: JobQueue
    _transaction: asyncpg.transaction.Transaction
    _began_at: datetime
    is_over: bool = attrs.field(default=False, init=False)

    @property
    def now(self) -> datetime:
        """Later than every lock that is held: a call's events are in the order of their times."""
        return self.calls.locked_at or self._began_at

    async def commit(self) -> None:
        self.is_over = True
        with perhaps_stored():
            await self._transaction.commit()


@attrs.frozen
class PostgresUnitsOfWork:
    """Implements UnitOfWorkFactory."""

    _pool: asyncpg.Pool
    _job_queue_on: JobQueueOn

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[PostgresUnitOfWork]:
        with nothing_stored():
            connection = await self._pool.acquire()
        healthy = False
        try:
            with nothing_stored():
                transaction = connection.transaction()
                await transaction.start()
                began_at = await connection.fetchval("SELECT clock_timestamp()")
            unit = PostgresUnitOfWork(
                calls=PostgresCallRepository(connection),
                packets=PostgresPacketRepository(connection),
                jobs=self._job_queue_on(connection),
                transaction=transaction,
                began_at=began_at,
            )
            with open_unit_of_work():
                try:
                    yield unit
                finally:
                    if not unit.is_over:
                        with nothing_stored():
                            await transaction.rollback()
            healthy = True
        finally:
            await self._give_back(connection, healthy)

    async def _give_back(self, connection: asyncpg.pool.PoolConnectionProxy, healthy: bool) -> None:
        if not healthy and connection.is_in_transaction():
            connection.terminate()
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):  # the pool makes a new one
            await self._pool.release(connection)

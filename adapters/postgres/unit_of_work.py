"""The transaction promise, kept by PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime

import asyncpg
import attrs

from adapters.postgres.call_repository import PostgresCallRepository
from adapters.postgres.packet_days import DayMissing, PostgresPacketDays
from adapters.postgres.packet_repository import PostgresPacketRepository
from adapters.postgres.pool import ACQUIRE_SECONDS, Connection
from adapters.postgres.trouble import nothing_stored, perhaps_stored
from application.errors import RoomMade, StorageUnavailable
from application.ports import JobQueue
from application.unit_of_work import open_unit_of_work
from domain.errors import TrunklineError

JobQueueOn = Callable[[Connection], JobQueue]
"""Makes the job queue that takes part in a connection's transaction."""


@attrs.define(eq=False)
class PostgresUnitOfWork:
    """Implements UnitOfWork on one connection with an open transaction."""

    calls: PostgresCallRepository
    packets: PostgresPacketRepository
    jobs: JobQueue
    _connection: Connection
    is_over: bool = attrs.field(default=False, init=False)

    @property
    def now(self) -> datetime:
        assert self.calls.locked_at is not None, "no calls were locked yet"
        return self.calls.locked_at

    async def commit(self) -> None:
        self.is_over = True
        with perhaps_stored():
            status = await self._connection.execute("COMMIT")
        if status != "COMMIT":  # a statement had failed before, and the server says ROLLBACK
            raise StorageUnavailable

    async def roll_back(self) -> None:
        self.is_over = True
        with nothing_stored():
            await self._connection.execute("ROLLBACK")


@attrs.frozen
class PostgresUnitsOfWork:
    """Implements UnitOfWorkFactory."""

    _pool: asyncpg.Pool
    _job_queue_on: JobQueueOn

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[PostgresUnitOfWork]:
        try:
            async with self._transaction() as unit:
                yield unit
        except DayMissing as missing:  # only now, for the transaction's locks must not wait for it
            await PostgresPacketDays(self._pool).prepare(missing.days)
            raise RoomMade from missing

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[PostgresUnitOfWork]:
        with nothing_stored():
            connection = await self._pool.acquire(timeout=ACQUIRE_SECONDS)
        try:
            with nothing_stored():
                await connection.execute("BEGIN")
            calls = PostgresCallRepository(connection)
            unit = PostgresUnitOfWork(
                calls=calls,
                packets=PostgresPacketRepository(connection, calls.days),
                jobs=self._job_queue_on(connection),
                connection=connection,
            )
            with open_unit_of_work():
                try:
                    yield unit
                except Exception:
                    if not unit.is_over:
                        with suppress(TrunklineError):  # what went wrong first is what counts
                            await unit.roll_back()
                    raise
                if not unit.is_over:
                    await unit.roll_back()
        except asyncio.CancelledError:  # whoever gave up on the database does not wait for it now
            with suppress(asyncpg.InterfaceError):  # it was lost before
                connection.terminate()
            raise
        finally:
            await self._give_back(connection)

    async def _give_back(self, connection: asyncpg.pool.PoolConnectionProxy) -> None:
        # A lost connection has gone back already and refuses to be asked; the pool makes a new one.
        with suppress(StorageUnavailable), nothing_stored():
            if connection.is_in_transaction():
                connection.terminate()
            await self._pool.release(connection)

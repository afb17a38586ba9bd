"""The guard that is off: the time of what happens is the service's, not the database's."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import attrs

from adapters.postgres.unit_of_work import PostgresUnitOfWork, PostgresUnitsOfWork
from application.ports import CallRepository, JobQueue, PacketRepository
from faults.controls.variant import run_with


@attrs.frozen
class _ByItsOwnClock:
    """Implements UnitOfWork, but for its promise about ``now``."""

    _unit: PostgresUnitOfWork

    @property
    def calls(self) -> CallRepository:
        return self._unit.calls

    @property
    def packets(self) -> PacketRepository:
        return self._unit.packets

    @property
    def jobs(self) -> JobQueue:
        return self._unit.jobs

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def commit(self) -> None:
        await self._unit.commit()


@attrs.frozen
class UsesItsOwnClock:
    """Implements UnitOfWorkFactory."""

    _units: PostgresUnitsOfWork

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[_ByItsOwnClock]:
        async with self._units() as unit:
            yield _ByItsOwnClock(unit)


if __name__ == "__main__":
    sys.exit(run_with(UsesItsOwnClock))

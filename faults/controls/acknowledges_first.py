"""The guard that is off: units of work say that they are durable, and commit a moment later."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

import attrs

from adapters.postgres.unit_of_work import PostgresUnitOfWork, PostgresUnitsOfWork
from application.ports import CallRepository, JobQueue, PacketRepository
from faults.controls.variant import run_with

LATER_SECONDS: Final = 0.1


@attrs.define(eq=False)
class _Promised:
    """Implements UnitOfWork, but for its promise."""

    _unit: PostgresUnitOfWork
    is_committed: bool = attrs.field(default=False, init=False)

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
        return self._unit.now

    async def commit(self) -> None:
        self.is_committed = True


@attrs.define(eq=False)
class AcknowledgesFirst:
    """Implements UnitOfWorkFactory. A task of its own has each unit, so that it outlives whoever used it."""

    _units: PostgresUnitsOfWork
    _keeping: set[asyncio.Task[None]] = attrs.field(factory=set, init=False)

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[_Promised]:
        lent: asyncio.Future[PostgresUnitOfWork] = asyncio.get_running_loop().create_future()
        commits: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        keeping = asyncio.create_task(self._keep(lent, commits))
        self._keeping.add(keeping)
        keeping.add_done_callback(self._keeping.discard)
        promised = _Promised(await lent)
        try:
            yield promised
        finally:
            commits.set_result(promised.is_committed)
            if not promised.is_committed:
                await keeping

    async def _keep(self, lent: asyncio.Future[PostgresUnitOfWork], commits: asyncio.Future[bool]) -> None:
        try:
            async with self._units() as unit:
                lent.set_result(unit)
                if await commits:
                    await asyncio.sleep(LATER_SECONDS)
                    await unit.commit()
        except Exception as error:
            if lent.done():
                raise
            lent.set_exception(error)


if __name__ == "__main__":
    sys.exit(run_with(AcknowledgesFirst))

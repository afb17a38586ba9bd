"""Units of work on a database that can be taken away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from application.errors import StorageUnavailable
from tests.fakes.unit_of_work import FakeUnitOfWork, FakeUnitsOfWork


@attrs.define(eq=False)
class SwitchedUnits:
    """Implements UnitOfWorkFactory. ``begun`` counts the units that were asked for."""

    units: FakeUnitsOfWork
    is_down: bool = False
    hangs: bool = False
    begun: int = 0

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[FakeUnitOfWork]:
        self.begun += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.is_down:
            raise StorageUnavailable
        async with self.units() as unit:
            yield unit

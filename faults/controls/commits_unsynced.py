"""The guard that is off: commits do not wait until they are on disk."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from adapters.postgres.unit_of_work import PostgresUnitOfWork, PostgresUnitsOfWork
from faults.controls.variant import run_with


@attrs.frozen
class CommitsUnsynced:
    """Implements UnitOfWorkFactory."""

    _units: PostgresUnitsOfWork

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[PostgresUnitOfWork]:
        async with self._units() as unit:
            await unit._connection.execute("SET LOCAL synchronous_commit = off")
            yield unit


if __name__ == "__main__":
    sys.exit(run_with(CommitsUnsynced))

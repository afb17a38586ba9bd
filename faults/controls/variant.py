"""Runs Trunkline's command line with other providers: a guard is off, and all else is as it is."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import attrs
from dependency_injector import providers

from adapters.jobs.job_queue import PgQueuerJobQueue
from adapters.postgres.unit_of_work import PostgresUnitOfWork, PostgresUnitsOfWork
from application.unit_of_work import UnitOfWorkFactory
from entrypoints.cli import main
from entrypoints.container import Container

Change = Callable[[PostgresUnitOfWork], Awaitable[None]]
"""Takes the guard off a unit of work that has just begun."""


@attrs.frozen
class _ChangedUnits:
    """Implements UnitOfWorkFactory."""

    _units: PostgresUnitsOfWork
    _change: Change

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[PostgresUnitOfWork]:
        async with self._units() as unit:
            await self._change(unit)
            yield unit


def run_with(variant: Callable[[PostgresUnitsOfWork], UnitOfWorkFactory]) -> int:
    """The exit status of the command line, with ``variant`` around the units that it would have used."""
    real = providers.Singleton(PostgresUnitsOfWork, Container.pool, providers.Object(PgQueuerJobQueue))
    Container.units_of_work.override(providers.Singleton(variant, real))
    return main(sys.argv[1:])


def run_with_changed_units(change: Change) -> int:
    """The same, with the units that it would have used, each changed."""
    return run_with(lambda units: _ChangedUnits(units, change))

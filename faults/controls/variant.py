"""Runs Trunkline's command line with other providers: a guard is off, and all else is as it is."""

from __future__ import annotations

import sys
from collections.abc import Callable

from dependency_injector import providers

from adapters.jobs.job_queue import PgQueuerJobQueue
from adapters.postgres.unit_of_work import PostgresUnitsOfWork
from application.unit_of_work import UnitOfWorkFactory
from entrypoints.cli import main
from entrypoints.container import Container


def run_with(variant: Callable[[PostgresUnitsOfWork], UnitOfWorkFactory]) -> int:
    """The exit status of the command line, with ``variant`` around the units that it would have used."""
    real = providers.Singleton(PostgresUnitsOfWork, Container.pool, providers.Object(PgQueuerJobQueue))
    Container.units_of_work.override(providers.Singleton(variant, real))
    return main(sys.argv[1:])

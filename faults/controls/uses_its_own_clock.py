"""The guard that is off: the time of what happens is the service's, not the database's."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from faults.controls.variant import run_with_changed_units


class _ByItsOwnClock(PostgresUnitOfWork):
    """Implements UnitOfWork, but for its promise about ``now``."""

    __slots__ = ()

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)


async def use_its_own_clock(unit: PostgresUnitOfWork) -> None:
    unit.__class__ = _ByItsOwnClock


if __name__ == "__main__":
    sys.exit(run_with_changed_units(use_its_own_clock))

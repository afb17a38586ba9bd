"""The guard that is off: commits do not wait until they are on disk."""

from __future__ import annotations

import sys

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from faults.controls.variant import run_with_changed_units


async def commit_unsynced(unit: PostgresUnitOfWork) -> None:
    await unit._connection.execute("SET LOCAL synchronous_commit = off")


if __name__ == "__main__":
    sys.exit(run_with_changed_units(commit_unsynced))

"""A migration that needs a hot table for itself, while somebody reads it for long."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from adapters.postgres.schema import LOCK_SECONDS
from faults.expected import Expected
from faults.experiments.experiment import Experiment, Extent
from faults.one_more_migration import COLUMN
from faults.processes import Ended, run_to_its_end
from faults.stage import Stage
from faults.violation import Violation

LATE_SECONDS: Final = 8.0
"""How much longer than its time-out it may take, on a busy machine, than when it need not wait."""
SHORT_SECONDS: Final = LOCK_SECONDS
QUIET_SECONDS: Final = 1.0


async def migrate_under_load(stage: Stage, dice: random.Random, seconds: float) -> None:
    for _ in stage.rounds(0):
        await asyncio.sleep(dice.uniform(0.5, 1.5))
        async with _reads_for_long(stage):
            stage.history.fault("a migration waits for a lock")
            ended = await _migrate(stage)
            stage.history.fault("the migration has ended")
        _require_given_up(stage, ended, was_changed=await _has_column(stage))
        await asyncio.sleep(QUIET_SECONDS)
        repeated = await _migrate(stage)
        _require_done(stage, repeated, was_changed=await _has_column(stage))
        _require_in_time(stage, ended.seconds - repeated.seconds)
        await _take_back(stage)


@asynccontextmanager
async def _reads_for_long(stage: Stage) -> AsyncIterator[None]:
    """A transaction that has read the table, and stays open: a report, or a dump."""
    connection = await asyncpg.connect(stage.database_url)
    try:
        async with connection.transaction():
            await connection.fetchval("SELECT count(*) FROM calls")
            yield
    finally:
        await connection.close()


async def _migrate(stage: Stage) -> Ended:
    settings = {"TRUNKLINE_DATABASE_URL": stage.database_url}
    return await run_to_its_end(["faults.one_more_migration", "migrate"], settings)


async def _has_column(stage: Stage) -> bool:
    connection = await asyncpg.connect(stage.database_url)
    try:
        found: bool = await connection.fetchval(
            "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'calls'::regclass AND attname = $1"
            " AND NOT attisdropped)",
            COLUMN,
        )
    finally:
        await connection.close()
    return found


async def _take_back(stage: Stage) -> None:
    """So that another round finds what this one found."""
    connection = await asyncpg.connect(stage.database_url)
    try:
        async with connection.transaction():
            await connection.execute(f"ALTER TABLE calls DROP COLUMN IF EXISTS {COLUMN}")
            await connection.execute("DELETE FROM _pogo_migration WHERE migration_id LIKE '%' || $1", COLUMN)
    finally:
        await connection.close()


def _require_given_up(stage: Stage, ended: Ended, *, was_changed: bool) -> None:
    told = _last_line(ended)
    stage.remarks.append(f"the migration gave up after {ended.seconds:.1f} s: {told}")
    if ended.status == 0:
        stage.violations.append(Violation("migration_not_given_up", told))
    if "lock timeout" not in told or "Traceback" in ended.errors:
        stage.violations.append(Violation("migration_error_unclear", ended.errors))
    if was_changed:
        stage.violations.append(Violation("migration_left_something", f"column {COLUMN} is there"))


def _require_done(stage: Stage, ended: Ended, *, was_changed: bool) -> None:
    stage.remarks.append(f"repeated, it took {ended.seconds:.1f} s")
    if ended.status != 0 or not was_changed:
        stage.violations.append(Violation("migration_not_repeatable", _last_line(ended)))


def _require_in_time(stage: Stage, waited_seconds: float) -> None:
    """Beyond what a program takes to start and to end on this machine now."""
    if waited_seconds > LOCK_SECONDS + LATE_SECONDS:
        stage.violations.append(Violation("migration_waited_too_long", f"{waited_seconds:.1f} s"))


def _last_line(ended: Ended) -> str:
    lines = ended.errors.strip().splitlines()
    return lines[-1] if lines else f"exit status {ended.status}"


MIGRATION_UNDER_LOAD = Experiment(
    name="migration-under-load",
    expectation=f"A migration that is not given a hot table within {LOCK_SECONDS:.0f} s gives up and says "
    "so in a line, leaves the schema as it was, and succeeds when it is repeated; meanwhile no write is "
    "refused or waits as long.",
    short=Extent(SHORT_SECONDS),
    expected=Expected(answers_within_seconds=LOCK_SECONDS),
    disturb=migrate_under_load,
    takes_every_write=True,
)

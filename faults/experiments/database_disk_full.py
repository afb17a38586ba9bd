"""PostgreSQL's disk is full: first its tables cannot grow, then its log cannot, and it dies of that."""

from __future__ import annotations

import asyncio
import random

from faults.experiments.experiment import Experiment
from faults.stage import Stage


async def fill_the_databases_disk(stage: Stage, dice: random.Random, seconds: float) -> None:
    for number in stage.rounds(seconds):
        await asyncio.sleep(dice.uniform(1.5, 2.5))
        stage.fill_disk()
        await asyncio.sleep(dice.uniform(1, 3))
        if number % 2 == 0:
            await stage.postgres.use_up_log()
            stage.history.fault("PostgreSQL without room for its log")
            await asyncio.sleep(dice.uniform(0.5, 1.5))
        stage.free_disk()
        if await stage.postgres.recover():
            stage.history.fault("PostgreSQL started again")


DATABASE_DISK_FULL = Experiment(
    name="database-disk-full",
    expectation="While PostgreSQL's disk is full the spool takes what is acknowledged; once there is room "
    "all of it is in the database, and the service, never restarted, archives every completed call.",
    disturb=fill_the_databases_disk,
    breaks_postgres=True,
    small_disk="database",
)

"""The spool's disk is full while PostgreSQL is away, and sometimes for a while after that."""

from __future__ import annotations

import asyncio
import random

from faults.experiments.experiment import Experiment
from faults.stage import Stage


async def fill_the_spools_disk(stage: Stage, dice: random.Random, seconds: float) -> None:
    for number in stage.rounds(seconds):
        await asyncio.sleep(dice.uniform(1.5, 2.5))
        await stage.kill_postgres_for_now()
        await asyncio.sleep(dice.uniform(0.5, 1))
        stage.fill_disk()
        await asyncio.sleep(dice.uniform(0.5, 1.5))
        if number % 2 == 0:
            await stage.start_postgres()
            await asyncio.sleep(dice.uniform(1.5, 2.5))
            stage.free_disk()
        else:
            stage.free_disk()
            await asyncio.sleep(dice.uniform(0.5, 1))
            await stage.start_postgres()


SPOOL_DISK_FULL = Experiment(
    name="spool-disk-full",
    expectation="While PostgreSQL is away and the spool's disk is full, what cannot be kept is a 503; what "
    "was acknowledged is there in the end, once.",
    disturb=fill_the_spools_disk,
    breaks_postgres=True,
    small_disk="spool",
)

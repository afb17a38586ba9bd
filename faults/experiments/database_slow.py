"""Whatever goes to PostgreSQL, or comes from it, takes its time."""

from __future__ import annotations

import asyncio
import random
from typing import Final

from faults.experiments.experiment import Experiment, Extent
from faults.stage import Stage

LATENCY_SECONDS: Final = (0.05, 0.2)
SHORT_SECONDS: Final = 8.0


async def slow_the_way(stage: Stage, dice: random.Random, seconds: float) -> None:
    for _ in stage.rounds(seconds):
        stage.slow_way(*LATENCY_SECONDS)
        await asyncio.sleep(dice.uniform(2, 6))
        stage.slow_way(0, 0)
        await asyncio.sleep(dice.uniform(0.2, 1))


DATABASE_SLOW = Experiment(
    name="database-slow",
    expectation="While each message to and from the database takes 50 to 200 ms no write is refused, nothing "
    "acknowledged is lost, and the service catches up by itself.",
    short=Extent(SHORT_SECONDS),
    disturb=slow_the_way,
    is_behind_way=True,
    takes_every_write=True,
)

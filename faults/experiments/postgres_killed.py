"""kill -9 of every PostgreSQL process, under load."""

from __future__ import annotations

import asyncio
import random
import time

from faults.experiments.experiment import Experiment
from faults.stage import Stage


async def kill_postgres(stage: Stage, dice: random.Random, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        await asyncio.sleep(dice.uniform(1, 3))
        await stage.kill_postgres(down_seconds=dice.uniform(0, 1))


POSTGRES_KILLED = Experiment(
    name="postgres-killed",
    expectation="After kill -9 of every PostgreSQL process everything acknowledged is there, once, and the "
    "service, never restarted, archives every completed call.",
    disturb=kill_postgres,
)

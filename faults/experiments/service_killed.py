"""kill -9 of the service at random times."""

from __future__ import annotations

import asyncio
import random
import time

from faults.experiments.experiment import Experiment
from faults.stage import Stage


async def kill_the_service(stage: Stage, dice: random.Random, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        await asyncio.sleep(dice.uniform(0.5, 2.5))
        await stage.kill_service()


SERVICE_KILLED = Experiment(
    name="service-killed",
    expectation="After kill -9 of the service at random times everything acknowledged is there, once, "
    "and every completed call is archived.",
    disturb=kill_the_service,
)

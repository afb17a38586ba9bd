"""kill -9 of the service, and of a worker in a process of its own, at random times."""

from __future__ import annotations

import asyncio
import random
from typing import Final

from faults.experiments.experiment import LONG_SECONDS, Experiment, Extent
from faults.stage import Stage

ROUNDS: Final = 50


async def kill_the_service(stage: Stage, dice: random.Random, seconds: float) -> None:
    for _ in stage.rounds(seconds):
        await asyncio.sleep(dice.uniform(0.5, 2.5))
        await stage.kill_service()


async def kill_service_and_worker(stage: Stage, dice: random.Random, seconds: float) -> None:
    """Either or both: a worker that is left may be at work on what the other has begun."""
    await stage.worker.start()
    for _ in stage.rounds(seconds):
        await asyncio.sleep(dice.uniform(0.5, 2.5))
        match dice.choice(("service", "worker", "both")):
            case "service":
                await stage.kill_service()
            case "worker":
                await stage.kill_worker()
            case "both":
                await asyncio.gather(stage.kill_service(), stage.kill_worker())


SERVICE_KILLED = Experiment(
    name="service-killed",
    expectation="After kill -9 of the service and of a worker beside it at random times everything "
    "acknowledged is there, once, and every completed call is archived.",
    disturb=kill_service_and_worker,
    long=Extent(LONG_SECONDS, ROUNDS),
)

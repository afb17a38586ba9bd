"""A worker that is frozen until its calls are taken over, and then wakes with its late results."""

from __future__ import annotations

import asyncio
import random
from typing import Final

from faults.experiments.experiment import Experiment
from faults.stage import Stage

TAKEN_OVER_SECONDS: Final = (2.5, 3.5)
"""Of silence; with a timeout of a second its calls are with the other process by then."""


async def freeze_the_worker(stage: Stage, dice: random.Random, seconds: float) -> None:
    """It works beside the service, which is left alone."""
    await stage.worker.start()
    for _ in stage.rounds(seconds):
        await asyncio.sleep(dice.uniform(0.5, 1.5))
        stage.history.fault("worker frozen")
        stage.worker.freeze()
        await asyncio.sleep(dice.uniform(*TAKEN_OVER_SECONDS))
        stage.worker.wake()
        stage.history.fault("worker woken")


WORKER_FROZEN = Experiment(
    name="worker-frozen",
    expectation="A worker that is frozen by SIGSTOP until another has its calls saves nothing of them when "
    "it wakes, and each is archived once.",
    program="faults.quick_successors",
    disturb=freeze_the_worker,
)

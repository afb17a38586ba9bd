"""Restarts of the service by SIGTERM, under load."""

from __future__ import annotations

import asyncio
import random

from faults.experiments.experiment import Experiment
from faults.stage import Stage


async def restart_the_service(stage: Stage, dice: random.Random, seconds: float) -> None:
    for _ in stage.rounds(seconds):
        await asyncio.sleep(dice.uniform(0.5, 2.5))
        await stage.restart_service()


SERVICE_RESTARTED = Experiment(
    name="service-restarted",
    expectation="The service leaves with exit status 0 at every SIGTERM, and nothing acknowledged is lost.",
    disturb=restart_the_service,
)

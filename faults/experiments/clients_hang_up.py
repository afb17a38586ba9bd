"""Clients that go away at any point of a request, and come back with the same one."""

from __future__ import annotations

import asyncio
import random

from faults.experiments.experiment import Experiment
from faults.stage import Stage


async def break_nothing(stage: Stage, dice: random.Random, seconds: float) -> None:
    await asyncio.sleep(seconds)


CLIENTS_HANG_UP = Experiment(
    name="clients-hang-up",
    expectation="Requests that break off at any byte leave all of themselves or nothing, and count once "
    "when they are sent again.",
    disturb=break_nothing,
    hang_up_share=0.3,
)

"""Connections to PostgreSQL are reset in the middle of whatever they carry."""

from __future__ import annotations

import asyncio
import random
from typing import Final

from faults.experiments.experiment import Experiment, Extent
from faults.stage import Stage

SHORT_SECONDS: Final = 8.0


async def reset_connections(stage: Stage, dice: random.Random, seconds: float) -> None:
    for _ in stage.rounds(seconds):
        await asyncio.sleep(dice.uniform(0.02, 0.5))
        stage.reset_way(at_share=dice.random())


DATABASE_RESETS = Experiment(
    name="database-resets",
    expectation="Connections reset after any byte of a message, to the database or from it, have no write "
    "refused, and lose nothing acknowledged.",
    short=Extent(SHORT_SECONDS),
    disturb=reset_connections,
    is_behind_way=True,
    takes_every_write=True,
)

"""The way to PostgreSQL is a black hole: connections neither answer nor fail."""

from __future__ import annotations

import asyncio
import random
from typing import Final

from faults.experiments.experiment import Experiment, Extent
from faults.stage import Stage

SHORT_SECONDS: Final = 5.0
LONG_SECONDS: Final = 30.0
FORGOTTEN_SHARE: Final = 0.5
"""Of the connections, after a long darkness: what they pass through has forgotten them."""


async def darken_the_way(stage: Stage, dice: random.Random, seconds: float) -> None:
    for _ in stage.rounds(0):
        await asyncio.sleep(dice.uniform(1, 3))
        await stage.darken_way(seconds, FORGOTTEN_SHARE if seconds == LONG_SECONDS else 0)
        await asyncio.sleep(1)


DATABASE_DARK = Experiment(
    name="database-dark",
    expectation="While the way to the database is a black hole no write is refused; afterwards nothing "
    "acknowledged is lost, and the service catches up by itself.",
    short=Extent(SHORT_SECONDS),
    long=Extent(LONG_SECONDS),
    disturb=darken_the_way,
    is_behind_way=True,
    takes_every_write=True,
)

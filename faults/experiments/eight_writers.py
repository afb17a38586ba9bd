"""Transactions of two processes that hold packets of the same two calls, in every order."""

from __future__ import annotations

import asyncio
import random
from typing import Final

from faults.eight_writers import WRITERS, EightWriters
from faults.experiments.experiment import Experiment, Extent
from faults.stage import Stage

SHORT_SECONDS: Final = 5.0


async def write_crosswise(stage: Stage, dice: random.Random, seconds: float) -> None:
    await stage.second.start()
    urls = (stage.service.url, stage.second.url)
    async with stage.under(EightWriters(urls, stage.history, dice.randrange(2**31))):
        await asyncio.sleep(seconds)


EIGHT_WRITERS = Experiment(
    name="eight-writers",
    expectation=f"{WRITERS} writers at two processes that lock the same two calls in opposite orders meet no "
    "deadlock, and no write is refused or lost.",
    short=Extent(SHORT_SECONDS),
    disturb=write_crosswise,
    calls_per_second=0,
    takes_every_write=True,
)

"""Packets tripled, shuffled, late and conflicting, by every way that there is."""

from __future__ import annotations

import asyncio
import random
from typing import Final

from faults.disorder import Disorder
from faults.experiments.experiment import Experiment, Extent
from faults.stage import Stage

SHORT_SECONDS: Final = 6.0


async def disorder_packets(stage: Stage, dice: random.Random, seconds: float) -> None:
    async with stage.under(Disorder(stage.service.url, stage.history, dice.randrange(2**31))):
        await asyncio.sleep(seconds)


PACKETS_IN_DISORDER = Experiment(
    name="packets-in-disorder",
    expectation="Packets that come three times at once, wholly shuffled, after the end, and with other bytes "
    "under taken numbers, by POST, NDJSON and two WebSockets of the same stream, are stored once, with the "
    "bytes that were acknowledged.",
    short=Extent(SHORT_SECONDS),
    disturb=disorder_packets,
    calls_per_second=0,
    takes_every_write=True,
)

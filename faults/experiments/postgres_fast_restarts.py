"""PostgreSQL stopped in its fast way, as for an upgrade, and started again, over and over."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Final

from faults.experiments.experiment import Experiment, Extent
from faults.stage import Stage

EVERY_SECONDS: Final = 10.0
MINUTES: Final = 5
SHORT_SECONDS: Final = 12.0
LEAST_ROUNDS: Final = 3


async def restart_postgres(stage: Stage, dice: random.Random, seconds: float) -> None:
    """Every ten seconds, or oftener where there is too little time for that."""
    every_seconds = min(EVERY_SECONDS, seconds / LEAST_ROUNDS)
    for _ in stage.rounds(seconds - every_seconds / 2):
        due = time.monotonic() + every_seconds
        await stage.restart_postgres_fast()
        await asyncio.sleep(max(0.0, due - time.monotonic()))


POSTGRES_FAST_RESTARTS = Experiment(
    name="postgres-fast-restarts",
    expectation="Fast restarts of PostgreSQL lose nothing acknowledged, no packet, init or completion is "
    "refused, and the service, never restarted, archives every completed call.",
    disturb=restart_postgres,
    short=Extent(SHORT_SECONDS),
    long=Extent(MINUTES * 60),
    takes_every_write=True,
    breaks_postgres=True,
)

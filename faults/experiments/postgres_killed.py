"""kill -9 of every PostgreSQL process, under load."""

from __future__ import annotations

import asyncio
import random
from typing import Final

from faults.experiments.experiment import LONG_SECONDS, Experiment, Extent
from faults.stage import Stage

ROUNDS: Final = 20


async def kill_postgres(stage: Stage, dice: random.Random, seconds: float) -> None:
    for _ in stage.rounds(seconds):
        await asyncio.sleep(dice.uniform(1, 3))
        await stage.kill_postgres(down_seconds=dice.uniform(0, 1))


async def kill_postgres_with_commits_unwritten(stage: Stage, dice: random.Random, seconds: float) -> None:
    """For a control: a commit that does not wait for its log is written within three of these delays."""
    await stage.postgres.set("wal_writer_delay", "2s")
    await kill_postgres(stage, dice, seconds)


POSTGRES_KILLED = Experiment(
    name="postgres-killed",
    expectation="After kill -9 of every PostgreSQL process everything acknowledged is there, once, no "
    "packet, init or completion was refused, and the service, never restarted, archives every completed "
    "call.",
    disturb=kill_postgres,
    long=Extent(LONG_SECONDS, ROUNDS),
    takes_every_write=True,
    breaks_postgres=True,
)

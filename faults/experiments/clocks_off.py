"""The service's clock is an hour or a day ahead of PostgreSQL's, or behind it.

It is PostgreSQL's that is put off, by functions of its own: so no library of the service escapes.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from typing import Final

from faults.expected import Expected
from faults.experiments.experiment import LONG_SECONDS, Experiment, Extent
from faults.far_off_times import plan_call_far_off
from faults.stage import Stage

SHORT_SECONDS: Final = 3.0
DARK_SECONDS: Final = 1.5
ARCHIVES_WITHIN_SECONDS: Final = 40.0
"""A killed worker's calls are delayed by half a minute at most."""

_HOUR: Final = 3_600.0
_AHEAD_SECONDS: Final = {
    "an-hour-ahead": _HOUR,
    "an-hour-behind": -_HOUR,
    "a-day-ahead": 24 * _HOUR,
    "a-day-behind": -24 * _HOUR,
}


async def spool_and_restart(stage: Stage, dice: random.Random, seconds: float) -> None:
    """What has to do with time: what is spooled, and what another process takes up.

    There is one kill, and only in the long form: each delays the same calls by half a minute.
    """
    for number in stage.rounds(seconds):
        await asyncio.sleep(dice.uniform(0.2, 1))
        await stage.darken_way(DARK_SECONDS)
        await asyncio.sleep(dice.uniform(0.2, 1))
        if seconds >= LONG_SECONDS and number == 1:
            await stage.kill_service()
        else:
            await stage.restart_service()


def _experiments() -> Iterator[Experiment]:
    for name, ahead_seconds in _AHEAD_SECONDS.items():
        yield Experiment(
            name=f"clock-{name}",
            expectation=f"Where the service's clock is {name.replace('-', ' ')} of PostgreSQL's, and packets "
            "carry times of any clock, nothing is lost, histories have the database's times, and calls are "
            f"archived within {ARCHIVES_WITHIN_SECONDS:.0f} s.",
            short=Extent(SHORT_SECONDS),
            expected=Expected(
                archives_within_seconds=ARCHIVES_WITHIN_SECONDS, database_ahead_seconds=-ahead_seconds
            ),
            plan=plan_call_far_off,
            disturb=spool_and_restart,
            is_behind_way=True,
        )


CLOCKS_OFF: Final = tuple(_experiments())

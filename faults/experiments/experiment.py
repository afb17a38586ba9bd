"""What is broken, and what must hold nevertheless."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Literal

import attrs

from faults.call_plan import plan_call
from faults.expected import NOTHING_MORE, Expected
from faults.load import CALLS_PER_SECOND, Plan
from faults.stage import Stage

SHORT_SECONDS: Final = 14.0
LONG_SECONDS: Final = 45.0

Disturb = Callable[[Stage, random.Random, float], Awaitable[None]]
"""Breaks and mends for so many seconds, while the load goes on; all is mended on return."""


@attrs.frozen
class Extent:
    """For how long things are broken: so many seconds, or so many rounds of a fault and its mending."""

    seconds: float
    rounds: int | None = None


@attrs.frozen(kw_only=True)
class Experiment:
    """``expectation`` is one sentence, and ``expected`` what of it the checker has to know.

    ``program`` is the module that is run as the service, with ``settings`` of its environment, and
    ``ai_program`` the one that is run as the AI.

    ``must_show`` is empty for an experiment on the service: nothing may be violated. A control runs a
    service with one guard off, and names what the checker must find then, or it proves nothing.
    """

    name: str
    expectation: str
    disturb: Disturb
    short: Extent = Extent(SHORT_SECONDS)
    long: Extent = Extent(LONG_SECONDS)
    """As `make soak` has it."""
    expected: Expected = NOTHING_MORE
    program: str = "entrypoints"
    settings: Mapping[str, str] = attrs.field(factory=dict)
    ai_program: str = "faults.deaf_ai"
    calls_per_second: float = CALLS_PER_SECOND
    """Of the PBX's load; 0 where the experiment brings its own."""
    plan: Plan = plan_call
    is_behind_way: bool = False
    hang_up_share: float = 0.0
    takes_every_write: bool = False
    """No packet, init or completion may be answered 5xx, whatever is broken."""
    breaks_postgres: bool = False
    """So that it needs a PostgreSQL of its own."""
    small_disk: Literal["database", "spool"] | None = None
    """What lies on a file system that is soon full; where it is the database, ``breaks_postgres`` too."""
    measures_time: bool = False
    """So that nothing else may run beside it."""
    must_show: frozenset[str] = frozenset()
    archived_within_seconds: float | None = None
    """How long to wait for that after the load. None: a minute; for a control not at all."""

    @property
    def is_control(self) -> bool:
        return bool(self.must_show)

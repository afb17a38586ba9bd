"""What is broken, and what must hold nevertheless."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

import attrs

from faults.stage import Stage

Disturb = Callable[[Stage, random.Random, float], Awaitable[None]]
"""Breaks and mends for so many seconds, while the load goes on; all is mended on return."""


@attrs.frozen(kw_only=True)
class Experiment:
    """``expectation`` is one sentence. ``program`` is the module that is run as the service.

    ``must_show`` is empty for an experiment on the service: nothing may be violated. A control runs a
    service with one guard off, and names what the checker must find then, or it proves nothing.
    """

    name: str
    expectation: str
    disturb: Disturb
    program: str = "entrypoints"
    is_behind_way: bool = False
    hang_up_share: float = 0.0
    must_show: frozenset[str] = frozenset()

    @property
    def is_control(self) -> bool:
        return bool(self.must_show)

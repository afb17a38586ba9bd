"""What befalls a request, drawn so that a seeded run can be repeated in whatever order requests come."""

from __future__ import annotations

import hashlib
import random
from typing import Final

import attrs

RETRY_AFTER_SECONDS: Final = 1


@attrs.frozen
class Fate:
    """``retry_after_seconds`` is what a failing answer names, if it names anything."""

    fails: bool
    retry_after_seconds: int | None
    latency_seconds: float


@attrs.frozen
class Chance:
    """``failure_rate`` is a share; ``latency_seconds`` the lowest and the highest."""

    seed: int
    failure_rate: float
    latency_seconds: tuple[float, float]

    def draw(self, name: str, times_seen: int) -> Fate:
        """The fate of the request called ``name`` when it comes for the ``times_seen``-th time."""
        digest = hashlib.sha256(f"{self.seed}\n{times_seen}\n{name}".encode()).digest()
        dice = random.Random(digest)
        fails = dice.random() < self.failure_rate
        names_a_wait = dice.random() < 0.5
        return Fate(
            fails=fails,
            retry_after_seconds=RETRY_AFTER_SECONDS if fails and names_a_wait else None,
            latency_seconds=dice.uniform(*self.latency_seconds),
        )

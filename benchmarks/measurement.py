"""What one contender did in one round."""

from __future__ import annotations

from enum import Enum
from typing import Final

import attrs

from benchmarks.latencies import Latencies

ALONE_P99: Final = "alone p99 ms"
"""A note: of the same server, in turns with what was measured, without what it bears meanwhile."""
TOLD_P99: Final = "feed p99 ms"
"""A note: how long after its time an event reached the readers of the feed."""


@attrs.frozen(kw_only=True)
class Measurement:
    """``per_second`` counts what was acknowledged in time: packets, or answers where nothing is sent.

    ``acknowledged`` also counts what came after the time was over, for every one of those must be
    ``stored`` too. ``cores`` has the processor time of the client, the server and PostgreSQL, each as
    a share of the measured seconds. ``memory_mib`` is the server's, each second.
    """

    seconds: float
    per_second: float
    acknowledged: int
    refused: int = 0
    stored: int | None = None
    latencies: Latencies | None = None
    cores: dict[str, float] = attrs.field(factory=dict)
    memory_mib: tuple[float, ...] = ()
    notes: dict[str, float] = attrs.field(factory=dict)

    @property
    def kept_its_promise(self) -> bool:
        return self.stored is None or self.stored >= self.acknowledged


class Why(Enum):
    NOT_SERVED = "not served"
    SKIPPED = "skipped"
    FAILED = "failed"


@attrs.frozen
class Unmeasured:
    """A round without a figure."""

    why: Why
    detail: str


class NotMeasured(Exception):
    """Ends a contender's round: the server lacks the route, or the machine lacks a tool."""

    def __init__(self, why: Why, detail: str) -> None:
        super().__init__(detail)
        self.why = why
        self.detail = detail


Outcome = Measurement | Unmeasured

"""What a run has sent so far, and how it was answered."""

from __future__ import annotations

from array import array
from collections import Counter
from math import ceil

import attrs


@attrs.define
class Tally:
    """``packets_sent`` counts a packet that is sent twice on purpose twice, but no repeats after an error.

    ``latencies_seconds`` holds each answered request, from sending it to its answer.
    """

    packets_sent: int = 0
    packets_acknowledged: int = 0
    reported_duplicates: int = 0
    repeats: int = 0
    unacknowledged: int = 0
    refusals: Counter[str] = attrs.field(factory=Counter)
    latencies_seconds: array[float] = attrs.field(factory=lambda: array("d"))

    def latency_seconds(self, *shares: float) -> list[float]:
        """For each share, what that share of the requests did not exceed (nearest rank); 0 without any."""
        ordered = sorted(self.latencies_seconds) or [0.0]
        return [ordered[max(0, ceil(share * len(ordered)) - 1)] for share in shares]

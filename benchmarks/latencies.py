"""Latencies of one measurement, counted in buckets: fifteen million of them cost no more than ten."""

from __future__ import annotations

import math
from array import array
from typing import Final

import attrs

BUCKETS_PER_MILLISECOND: Final = 10
LONGEST_BUCKET_MS: Final = 10_000


@attrs.frozen
class Latencies:
    """Percentiles in milliseconds, each rounded up to a tenth; the longest is exact."""

    count: int
    p50_ms: float
    p99_ms: float
    p99_9_ms: float
    max_ms: float


class Histogram:
    """Counts latencies. What takes longer than ten seconds counts as the longest that was seen."""

    def __init__(self) -> None:
        self._counts = array("Q", bytes(8 * (LONGEST_BUCKET_MS * BUCKETS_PER_MILLISECOND + 1)))
        self._last = len(self._counts) - 1
        self.count = 0
        self.longest_seconds = 0.0

    def add(self, seconds: float, times: int = 1) -> None:
        """``seconds`` below zero, from clocks read in another order, count as zero."""
        bucket = int(seconds * (1000 * BUCKETS_PER_MILLISECOND))
        self._counts[min(max(bucket, 0), self._last)] += times
        self.count += times
        if seconds > self.longest_seconds:
            self.longest_seconds = seconds

    def percentile_ms(self, share: float) -> float:
        """The nearest rank's bucket, its upper edge: never better than it was. 0 of nothing."""
        wanted = math.ceil(share * self.count)
        seen = 0
        for bucket, count in enumerate(self._counts):
            seen += count
            if seen >= wanted:
                return self._edge_ms(bucket) if seen else 0.0
        return self.longest_seconds * 1000

    def latencies(self) -> Latencies:
        return Latencies(
            self.count,
            self.percentile_ms(0.5),
            self.percentile_ms(0.99),
            self.percentile_ms(0.999),
            round(self.longest_seconds * 1000, 3),
        )

    def _edge_ms(self, bucket: int) -> float:
        longest_ms = round(self.longest_seconds * 1000, 3)
        return longest_ms if bucket == self._last else min((bucket + 1) / BUCKETS_PER_MILLISECOND, longest_ms)

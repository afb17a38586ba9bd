"""What counters that only rise say about the time between two looks at them."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from application.feed_ports import Figures

Acks = Sequence[tuple[float, int]]


@attrs.frozen
class Rates:
    """``ack_p50_seconds`` and ``ack_p99_seconds`` are None where nothing was acknowledged."""

    packets_per_second: float
    ack_p50_seconds: float | None
    ack_p99_seconds: float | None


NOTHING_YET = Rates(0.0, None, None)


def rates_between(before: Figures, now: Figures, seconds: float) -> Rates:
    """A process that ended may take its counts with it: what would be negative counts as nothing."""
    earlier = dict(before.acks)
    acks = [(bound, max(0, count - earlier.get(bound, 0))) for bound, count in now.acks]
    return Rates(
        packets_per_second=max(0, now.packets - before.packets) / seconds,
        ack_p50_seconds=_percentile(acks, 0.5),
        ack_p99_seconds=_percentile(acks, 0.99),
    )


def _percentile(acks: Acks, share: float) -> float | None:
    """Within its bucket by proportion; past the last finite bound, that bound."""
    total = acks[-1][1] if acks else 0
    if total == 0:
        return None
    wanted = share * total
    lower, count_below = 0.0, 0
    for bound, count in acks:
        if count >= wanted:
            if bound == float("inf") or count == count_below:
                return lower
            return lower + (bound - lower) * (wanted - count_below) / (count - count_below)
        lower, count_below = bound, count
    return lower

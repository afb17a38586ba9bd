"""When each stream of a call begins, by the sender's clock."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

MAX_OFFSET_SECONDS: Final = 24 * 3_600


def offsets_seconds(first_timestamps: Sequence[float]) -> list[float]:
    """How long after the earliest stream each stream begins, from the timestamps of their first packets.

    A leg that joins or reconnects in mid-call is a stream of its own and begins later. What is no
    number, or lies more than a day after the earliest, is a broken clock: such a stream begins at 0.
    """
    earliest = min(filter(math.isfinite, first_timestamps), default=0.0)
    return [_believable(timestamp - earliest) for timestamp in first_timestamps]


def _believable(offset: float) -> float:
    return offset if 0 <= offset <= MAX_OFFSET_SECONDS else 0.0

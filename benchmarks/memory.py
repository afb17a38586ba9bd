"""Whether a process's memory grows."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Final

LARGEST_GROWTH: Final = 0.05
_FEWEST_SAMPLES: Final = 10


def growth(samples_mib: Sequence[float]) -> float | None:
    """From the second fifth, when everything is warm, to the last; None of too few samples."""
    fifth = len(samples_mib) // 5
    if len(samples_mib) < _FEWEST_SAMPLES:
        return None
    return median(samples_mib[-fifth:]) / median(samples_mib[fifth : 2 * fifth]) - 1


def is_flat(samples_mib: Sequence[float]) -> bool | None:
    grown = growth(samples_mib)
    return None if grown is None else grown <= LARGEST_GROWTH

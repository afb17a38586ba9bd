"""Cumulative acknowledgements, told apart into what each newly acknowledges."""

from __future__ import annotations

from collections.abc import Sequence

Ranges = list[tuple[int, int]]
"""First and last of each, in order."""


class AckWentBack(Exception):
    """The server took back what it had acknowledged."""


class AckedStream:
    """What a server has acknowledged of one stream whose packets are numbered from 1.

    An acknowledgement says: everything up to ``through`` is durable, but what is ``missing``.
    """

    def __init__(self) -> None:
        self._through = 0
        self._missing: frozenset[int] = frozenset()
        self.count = 0

    @property
    def through(self) -> int:
        return self._through

    def acknowledge(self, through: int, missing: Sequence[Sequence[int]]) -> Ranges:
        """What is acknowledged now and was not before. Raises AckWentBack."""
        if through < self._through:
            raise AckWentBack(f"acknowledged through {through} after {self._through}")
        before, self._through = self._through, through
        if not missing and not self._missing:
            self.count += through - before
            return [(before + 1, through)] if through > before else []
        return self._with_gaps(before, through, missing)

    def _with_gaps(self, before: int, through: int, missing: Sequence[Sequence[int]]) -> Ranges:
        now_missing = frozenset(number for first, last in missing for number in range(first, last + 1))
        if any(number <= before and number not in self._missing for number in now_missing):
            raise AckWentBack("a packet is missing that was acknowledged before")
        filled = self._missing - now_missing
        fresh = sorted(filled | (set(range(before + 1, through + 1)) - now_missing))
        self._missing = now_missing
        self.count += len(fresh)
        return _ranges(fresh)


def _ranges(numbers: Sequence[int]) -> Ranges:
    ranges: Ranges = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return ranges

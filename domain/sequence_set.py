"""A set of sequence numbers, held as ranges."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import islice


class SequenceSet:
    """Non-negative integers held as disjoint, ascending, closed ranges ``(first, last)``.

    A million numbers without a gap are one range, and one number far away is one more: size
    follows the gaps, never the numbers.
    """

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        """``ranges`` must be ascending, disjoint and not adjacent, as :meth:`ranges` gives them."""
        pairs = list(ranges)
        self._firsts = [first for first, _ in pairs]
        self._lasts = [last for _, last in pairs]
        before = -2
        for first, last in pairs:
            if first < 0 or last < first or first <= before + 1:
                raise ValueError(f"not an ascending list of ranges at ({first}, {last})")
            before = last

    def copy(self) -> SequenceSet:
        copy = SequenceSet()
        copy._firsts, copy._lasts = self._firsts.copy(), self._lasts.copy()
        return copy

    def add(self, number: int) -> bool:
        """Add one number. False where it was there already."""
        if number < 0:
            raise ValueError("a sequence number is never negative")
        firsts, lasts = self._firsts, self._lasts
        after = len(firsts)
        if after and number < firsts[-1]:
            after = bisect_right(firsts, number)
        before = after - 1
        if before >= 0 and number <= lasts[before]:
            return False
        joins_before = before >= 0 and lasts[before] == number - 1
        joins_after = after < len(firsts) and firsts[after] == number + 1
        if joins_before and joins_after:
            lasts[before] = lasts[after]
            del firsts[after], lasts[after]
        elif joins_before:
            lasts[before] = number
        elif joins_after:
            firsts[after] = number
        else:
            firsts.insert(after, number)
            lasts.insert(after, number)
        return True

    def __contains__(self, number: int) -> bool:
        lasts = self._lasts
        if not lasts or number > lasts[-1]:
            return False
        at = bisect_right(self._firsts, number) - 1
        return at >= 0 and number <= lasts[at]

    def __len__(self) -> int:
        return sum(self._lasts) - sum(self._firsts) + len(self._firsts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SequenceSet) and list(self.ranges()) == list(other.ranges())

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"SequenceSet({list(self.ranges())})"

    @property
    def range_count(self) -> int:
        return len(self._firsts)

    @property
    def highest(self) -> int | None:
        return self._lasts[-1] if self._lasts else None

    def ranges(self) -> Iterator[tuple[int, int]]:
        return zip(self._firsts, self._lasts, strict=True)

    def gaps(self, through: int | None = None, most: int | None = None) -> tuple[tuple[int, int], ...]:
        """The ranges missing from 1 up to ``through`` (the highest number where left out), ``most`` at most.

        Numbering starts at 1: 0 may be there, and is never missing.
        """
        return tuple(islice(self._all_gaps(self.highest if through is None else through), most))

    def _all_gaps(self, through: int | None) -> Iterator[tuple[int, int]]:
        if through is None:
            return
        expected = 1
        for first, last in self.ranges():
            if first > through:
                break
            if first > expected:
                yield expected, first - 1
            expected = max(expected, last + 1)
        if expected <= through:
            yield expected, through

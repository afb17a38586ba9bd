"""SequenceSet held against Python's own set, over arbitrary additions."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.packet import MAX_SEQUENCE
from domain.sequence_set import SequenceSet

close_together = st.lists(st.integers(0, 40), max_size=60)
anywhere = st.lists(st.integers(0, MAX_SEQUENCE), max_size=20)


def added(numbers: list[int]) -> SequenceSet:
    held = SequenceSet()
    for number in numbers:
        held.add(number)
    return held


def runs_of(numbers: set[int]) -> tuple[tuple[int, int], ...]:
    """The numbers as closed ranges, found the slow way."""
    firsts = sorted(number for number in numbers if number - 1 not in numbers)
    lasts = sorted(number for number in numbers if number + 1 not in numbers)
    return tuple(zip(firsts, lasts, strict=True))


@given(close_together | anywhere)
def test_each_addition_answers_and_counts_as_a_set_does(numbers: list[int]) -> None:
    held, model = SequenceSet(), set[int]()
    for number in numbers:
        assert held.add(number) is (number not in model)
        model.add(number)
        assert number in held
        assert len(held) == len(model)
        assert held.highest == max(model)


@given(close_together | anywhere)
def test_ranges_are_the_numbers_disjoint_ascending_and_not_adjacent(numbers: list[int]) -> None:
    ranges = list(added(numbers).ranges())
    assert tuple(ranges) == runs_of(set(numbers))
    assert all(first <= last for first, last in ranges)
    assert all(last + 1 < first for (_, last), (first, _) in pairwise(ranges))


@given(close_together, st.integers(0, 50))
def test_membership_is_that_of_a_set(numbers: list[int], number: int) -> None:
    assert (number in added(numbers)) is (number in set(numbers))


@given(close_together, st.none() | st.integers(0, 50), st.none() | st.integers(0, 5))
def test_gaps_are_the_numbers_from_1_that_are_not_there(
    numbers: list[int], through: int | None, most: int | None
) -> None:
    highest = max(numbers, default=0) if through is None else through
    assert added(numbers).gaps(through, most) == runs_of(set(range(1, highest + 1)) - set(numbers))[:most]


@given(close_together | anywhere)
def test_the_order_of_additions_does_not_matter(numbers: list[int]) -> None:
    assert added(numbers) == added(sorted(numbers)) == added(sorted(numbers, reverse=True))


@given(close_together | anywhere)
def test_ranges_give_the_same_set_back(numbers: list[int]) -> None:
    held = added(numbers)
    assert SequenceSet(held.ranges()) == held


@given(close_together, close_together, close_together)
def test_a_copy_is_equal_and_goes_its_own_way(
    numbers: list[int], later: list[int], copied: list[int]
) -> None:
    held = added(numbers)
    copy = held.copy()
    assert copy == held
    for number in later:
        held.add(number)
    for number in copied:
        copy.add(number)
    assert held == added(numbers + later)
    assert copy == added(numbers + copied)

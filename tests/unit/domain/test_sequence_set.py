"""A set of sequence numbers, held as ranges."""

from __future__ import annotations

import pytest

from domain.packet import MAX_SEQUENCE
from domain.sequence_set import SequenceSet


def set_of(*numbers: int) -> SequenceSet:
    numbered = SequenceSet()
    for number in numbers:
        numbered.add(number)
    return numbered


def test_an_empty_set_has_no_highest_number_no_ranges_and_no_gaps() -> None:
    empty = SequenceSet()
    assert empty.highest is None
    assert len(empty) == 0
    assert list(empty.ranges()) == []
    assert empty.gaps() == ()


def test_adding_says_whether_the_number_is_new() -> None:
    numbers = SequenceSet()
    assert [numbers.add(number) for number in (5, 5, 6, 5)] == [True, False, True, False]


@pytest.mark.parametrize(
    ("numbers", "ranges"),
    [
        ((1, 2, 3), [(1, 3)]),
        ((3, 2, 1), [(1, 3)]),
        ((1, 3), [(1, 1), (3, 3)]),
        ((1, 3, 2), [(1, 3)]),
        ((9, 1, 5), [(1, 1), (5, 5), (9, 9)]),
        ((1, 2, 8, 9, 5), [(1, 2), (5, 5), (8, 9)]),
        ((5, 9, 6, 8), [(5, 6), (8, 9)]),
    ],
)
def test_neighbours_are_joined_to_ranges_in_any_order(
    numbers: tuple[int, ...], ranges: list[tuple[int, int]]
) -> None:
    held = set_of(*numbers)
    assert list(held.ranges()) == ranges
    assert held.range_count == len(ranges)
    assert len(held) == len(set(numbers))


def test_holds_exactly_what_was_added() -> None:
    held = set_of(2, 3, 7)
    assert [number for number in range(10) if number in held] == [2, 3, 7]
    assert -1 not in held


def test_gaps_lie_below_the_highest_number() -> None:
    assert set_of(3, 4, 8).gaps() == ((1, 2), (5, 7))


def test_gaps_reach_through_the_given_number() -> None:
    held = set_of(3, 4, 8)
    assert held.gaps(10) == ((1, 2), (5, 7), (9, 10))
    assert held.gaps(8) == ((1, 2), (5, 7))
    assert held.gaps(7) == ((1, 2), (5, 7))
    assert held.gaps(6) == ((1, 2), (5, 6))
    assert held.gaps(4) == ((1, 2),)
    assert held.gaps(0) == ()


def test_an_empty_set_lacks_everything_through_the_given_number() -> None:
    assert SequenceSet().gaps(5) == ((1, 5),)
    assert SequenceSet().gaps(0) == ()


def test_gaps_are_given_up_to_a_number_of_them() -> None:
    held = set_of(2, 4, 6, 8)
    assert held.gaps(most=2) == ((1, 1), (3, 3))
    assert held.gaps(most=0) == ()


def test_zero_may_be_there_and_is_never_missing() -> None:
    assert set_of(1).gaps() == ()
    assert set_of(0).gaps() == ()
    assert set_of(0).gaps(2) == ((1, 2),)
    assert set_of(0, 1, 2).gaps() == ()
    assert list(set_of(1, 0).ranges()) == [(0, 1)]


def test_a_hostile_jump_is_one_more_range() -> None:
    held = set_of(1, MAX_SEQUENCE)
    assert list(held.ranges()) == [(1, 1), (MAX_SEQUENCE, MAX_SEQUENCE)]
    assert held.gaps() == ((2, MAX_SEQUENCE - 1),)
    assert held.highest == MAX_SEQUENCE
    assert len(held) == 2


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(ValueError, match="never negative"):
        SequenceSet().add(-1)


@pytest.mark.parametrize(
    "ranges",
    [
        pytest.param([(-1, 2)], id="negative"),
        pytest.param([(3, 2)], id="upside down"),
        pytest.param([(1, 4), (4, 6)], id="overlapping"),
        pytest.param([(1, 4), (5, 6)], id="adjacent"),
        pytest.param([(5, 6), (1, 2)], id="descending"),
    ],
)
def test_ranges_that_are_not_canonical_are_refused(ranges: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="not an ascending list of ranges"):
        SequenceSet(ranges)


def test_sets_are_equal_when_they_hold_the_same_numbers() -> None:
    assert set_of(1, 2, 5) == SequenceSet([(1, 2), (5, 5)])
    assert set_of(1, 2) != set_of(1)
    assert repr(set_of(1, 2, 5)) == "SequenceSet([(1, 2), (5, 5)])"

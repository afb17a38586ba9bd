"""Cumulative acknowledgements, matched to what they newly acknowledge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.load.acks import AckedStream, AckWentBack


def test_an_acknowledgement_is_of_all_since_the_one_before() -> None:
    stream = AckedStream()
    assert stream.acknowledge(3, []) == [(1, 3)]
    assert stream.acknowledge(10, []) == [(4, 10)]
    assert (stream.count, stream.through) == (10, 10)


def test_the_same_again_acknowledges_nothing() -> None:
    stream = AckedStream()
    stream.acknowledge(3, [])
    assert stream.acknowledge(3, []) == []
    assert stream.count == 3


def test_what_is_missing_is_not_acknowledged_until_it_is_there() -> None:
    stream = AckedStream()
    assert stream.acknowledge(6, [[2, 3], [5, 5]]) == [(1, 1), (4, 4), (6, 6)]
    assert stream.acknowledge(8, [[3, 3]]) == [(2, 2), (5, 5), (7, 8)]
    assert stream.acknowledge(8, []) == [(3, 3)]
    assert stream.count == 8


def test_going_back_is_a_fault_of_the_server() -> None:
    stream = AckedStream()
    stream.acknowledge(3, [])
    with pytest.raises(AckWentBack):
        stream.acknowledge(2, [])


def test_missing_what_was_acknowledged_is_a_fault_of_the_server() -> None:
    stream = AckedStream()
    stream.acknowledge(5, [[2, 2]])
    with pytest.raises(AckWentBack):
        stream.acknowledge(6, [[2, 3]])


@given(st.permutations(range(1, 13)), st.integers(1, 12))
def test_each_packet_is_acknowledged_once_in_whatever_order_they_arrive(order: list[int], step: int) -> None:
    stream, arrived, told = AckedStream(), set[int](), list[int]()
    for at in range(0, len(order), step):
        arrived.update(order[at : at + step])
        through = max(arrived)
        missing = [[number, number] for number in range(1, through) if number not in arrived]
        told += [
            number
            for first, last in stream.acknowledge(through, missing)
            for number in range(first, last + 1)
        ]
        assert set(told) == arrived
    assert sorted(told) == sorted(order)
    assert stream.count == len(order)

"""What has arrived of one numbered stream."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.audio_stream import GAPS_IN_RECEIPT, MAX_RANGES, AudioStream
from domain.delivery import StreamStanding
from domain.errors import StreamLimitReached
from domain.packet import MAX_SEQUENCE
from domain.sequence_set import SequenceSet


def stream_of(*sequences: int) -> AudioStream:
    stream = AudioStream("main")
    for sequence in sequences:
        stream.add(sequence, 160)
    return stream


def stream_with_all_its_ranges() -> AudioStream:
    return AudioStream("main", SequenceSet((10 * at, 10 * at) for at in range(1, MAX_RANGES + 1)))


def test_next_expected_is_one_past_the_highest_and_1_before_the_first() -> None:
    assert stream_of().next_expected == 1
    assert stream_of(0).next_expected == 1
    assert stream_of(7, 3).next_expected == 8
    assert stream_of(MAX_SEQUENCE).next_expected == MAX_SEQUENCE + 1


def test_bytes_are_counted() -> None:
    assert stream_of(1, 2, 9).received_bytes == 480


def test_duplicates_are_counted_and_are_nothing_else() -> None:
    stream = stream_of(1, 2)
    stream.add_duplicate()
    stream.add_duplicate()
    assert stream == AudioStream("main", SequenceSet([(1, 2)]), 320, duplicates=2)


def test_missing_lies_below_the_highest_or_below_a_higher_end() -> None:
    stream = stream_of(1, 4)
    assert stream.missing() == ((2, 3),)
    assert stream.missing(2) == ((2, 3),)
    assert stream.missing(6) == ((2, 3), (5, 6))
    assert stream_of().missing() == ()
    assert stream_of().missing(3) == ((1, 3),)


def test_missing_names_the_first_32_gaps() -> None:
    missing = stream_of(*range(2, 100, 2)).missing()
    assert GAPS_IN_RECEIPT == 32
    assert missing == tuple((odd, odd) for odd in range(1, 65, 2))


def test_is_whole_when_nothing_from_1_through_the_end_is_missing() -> None:
    stream = stream_of(1, 2, 3, 5)
    assert stream.is_whole_through(3)
    assert not stream.is_whole_through(4)
    assert not stream.is_whole_through(5)
    assert stream_of().is_whole_through(0)
    assert not stream_of(0).is_whole_through(1)


def test_a_stream_with_all_its_ranges_takes_no_packet_that_stands_alone() -> None:
    stream = stream_with_all_its_ranges()
    with pytest.raises(StreamLimitReached) as refusal:
        stream.add(15, 160)
    assert refusal.value.field == "sequence"
    assert "'main'" in refusal.value.detail
    assert (stream.received.range_count, stream.received_bytes) == (MAX_RANGES, 0)


@pytest.mark.parametrize("sequence", [19, 21])
def test_a_stream_with_all_its_ranges_still_takes_a_neighbour(sequence: int) -> None:
    stream = stream_with_all_its_ranges()
    stream.add(sequence, 160)
    assert sequence in stream.received
    assert stream.received_bytes == 160


def test_the_last_range_but_one_may_still_be_opened() -> None:
    stream = AudioStream("main", SequenceSet((10 * at, 10 * at) for at in range(1, MAX_RANGES)))
    stream.add(15, 160)
    assert stream.received.range_count == MAX_RANGES


@pytest.mark.parametrize(
    ("sequences", "through", "next_expected", "missing"),
    [
        ((), 0, 1, ()),
        ((0,), 0, 1, ()),
        ((1, 2, 3), 3, 4, ()),
        ((3,), 3, 4, ((1, 2),)),
        ((0, 1, 4, 9), 9, 10, ((2, 3), (5, 8))),
        ((MAX_SEQUENCE,), MAX_SEQUENCE, MAX_SEQUENCE + 1, ((1, MAX_SEQUENCE - 1),)),
        (tuple(range(2, 65, 2)), 64, 65, tuple((odd, odd) for odd in range(1, 64, 2))),
        (tuple(range(2, 67, 2)), 64, 67, tuple((odd, odd) for odd in range(1, 64, 2))),
        (tuple(range(2, 1_001, 2)), 64, 1_001, tuple((odd, odd) for odd in range(1, 64, 2))),
    ],
    ids=["none", "zero", "whole", "late", "gaps", "far", "32 gaps", "33 gaps", "500 gaps"],
)
def test_a_standing_tells_how_far_everything_is_there_but_what_it_names(
    sequences: tuple[int, ...], through: int, next_expected: int, missing: tuple[tuple[int, int], ...]
) -> None:
    assert stream_of(*sequences).standing() == StreamStanding("main", through, next_expected, missing)


@given(st.sets(st.integers(0, 200), max_size=150) | st.sets(st.integers(0, 100).map(lambda half: 2 * half)))
def test_a_standing_is_true_and_names_as_much_as_it_may(received: set[int]) -> None:
    standing = stream_of(*received).standing()
    named = {number for first, last in standing.missing for number in range(first, last + 1)}
    assert named == set(range(1, standing.through + 1)) - received
    assert standing.next_expected == max(received, default=0) + 1
    is_all = standing.through == max(received, default=0)
    assert is_all or (len(standing.missing) == GAPS_IN_RECEIPT and standing.through + 1 not in received)


def test_a_copy_goes_its_own_way() -> None:
    stream = stream_of(1, 2)
    stream.add_duplicate()
    copy = stream.copy()
    assert copy == stream
    copy.add(9, 160)
    stream.add(5, 1)
    stream.add_duplicate()
    assert list(stream.received.ranges()) == [(1, 2), (5, 5)]
    assert list(copy.received.ranges()) == [(1, 2), (9, 9)]
    assert (stream.received_bytes, copy.received_bytes) == (321, 480)
    assert (stream.duplicates, copy.duplicates) == (2, 1)

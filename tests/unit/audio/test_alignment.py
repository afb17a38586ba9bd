"""When streams begin."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from adapters.audio.alignment import MAX_OFFSET_SECONDS, offsets_seconds


def test_streams_begin_as_long_after_the_earliest_as_their_timestamps_say() -> None:
    assert offsets_seconds([1_012.5, 1_000.0, 1_000.25]) == [12.5, 0.0, 0.25]


def test_a_clock_that_is_more_than_a_day_ahead_is_not_believed() -> None:
    assert offsets_seconds([0.0, 86_400.0, 86_400.1]) == [0.0, 86_400.0, 0.0]


def test_what_is_no_number_is_not_believed_and_moves_no_other() -> None:
    assert offsets_seconds([math.nan, 10.0, -math.inf, 12.0, math.inf]) == [0.0, 0.0, 0.0, 2.0, 0.0]


def test_a_call_without_streams_has_no_offsets() -> None:
    assert offsets_seconds([]) == []


@given(st.lists(st.floats()))
def test_whatever_the_timestamps_every_offset_is_within_a_day(timestamps: list[float]) -> None:
    offsets = offsets_seconds(timestamps)
    assert len(offsets) == len(timestamps)
    assert all(0 <= offset <= MAX_OFFSET_SECONDS for offset in offsets)

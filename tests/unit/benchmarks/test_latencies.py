"""Percentiles are never better than what was measured."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.latencies import Histogram


def of(*seconds: float) -> Histogram:
    histogram = Histogram()
    for one in seconds:
        histogram.add(one)
    return histogram


def test_percentiles_are_of_the_nearest_rank() -> None:
    hundred = of(*(number / 1000 for number in range(1, 101)))
    latencies = hundred.latencies()
    assert latencies.count == 100
    assert latencies.p50_ms == pytest.approx(50.1, abs=0.11)
    assert latencies.p99_ms == pytest.approx(99.1, abs=0.11)
    assert latencies.p99_9_ms == latencies.max_ms == 100.0


def test_one_slow_answer_in_a_thousand_shows_past_the_999th_rank_only() -> None:
    latencies = of(*[0.001] * 999, 0.5).latencies()
    assert latencies.p99_9_ms < 2
    assert latencies.max_ms == 500.0


def test_two_slow_answers_in_a_thousand_show_in_p99_9() -> None:
    assert of(*[0.001] * 998, 0.5, 0.5).latencies().p99_9_ms >= 500.0


def test_many_of_the_same_count_as_many() -> None:
    histogram = of(0.001)
    histogram.add(0.2, times=99)
    assert histogram.count == 100
    assert histogram.percentile_ms(0.5) == 200.0


def test_what_is_longer_than_the_longest_bucket_is_told_as_the_longest() -> None:
    latencies = of(0.001, 25.0).latencies()
    assert latencies.p99_ms == latencies.max_ms == 25_000.0


def test_nothing_has_no_latency() -> None:
    assert of().latencies().p99_ms == 0.0


def test_a_latency_below_zero_counts_as_zero() -> None:
    latencies = of(-0.5).latencies()
    assert (latencies.count, latencies.p50_ms) == (1, 0.0)


@given(st.lists(st.floats(0, 9.99), min_size=1), st.sampled_from([0.5, 0.9, 0.99, 0.999]))
def test_at_least_the_share_is_as_fast_as_the_percentile_says(seconds: list[float], share: float) -> None:
    percentile_ms = of(*seconds).percentile_ms(share)
    within = sum(one * 1000 <= percentile_ms + 0.001 for one in seconds)
    assert within >= share * len(seconds)

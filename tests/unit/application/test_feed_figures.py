"""Rates and percentiles from counters."""

from __future__ import annotations

from math import inf

import attrs
import pytest

from application.feed_figures import rates_between
from application.feed_ports import Figures

BEFORE = Figures(packets=1_000, acks=[(0.005, 10), (0.01, 20), (inf, 20)], ai_attempts=0, ai_failures=0)


def test_packets_a_second() -> None:
    now = attrs.evolve(BEFORE, packets=3_000)
    assert rates_between(BEFORE, now, 2.0).packets_per_second == 1_000


def test_percentiles_lie_within_their_bucket_by_proportion() -> None:
    now = attrs.evolve(BEFORE, acks=[(0.005, 60), (0.01, 120), (inf, 120)])
    rates = rates_between(BEFORE, now, 1.0)
    assert rates.ack_p50_seconds == pytest.approx(0.005)
    assert rates.ack_p99_seconds == pytest.approx(0.0099)


def test_past_the_last_bound_it_is_that_bound() -> None:
    now = attrs.evolve(BEFORE, acks=[(0.005, 10), (0.01, 20), (inf, 30)])
    assert rates_between(BEFORE, now, 1.0).ack_p50_seconds == 0.01


def test_where_nothing_was_acknowledged_there_is_no_latency() -> None:
    assert rates_between(BEFORE, BEFORE, 1.0).ack_p99_seconds is None


def test_counts_that_fell_are_none() -> None:
    """A process ended and took its counts with it."""
    now = attrs.evolve(BEFORE, packets=10, acks=[(0.005, 1), (0.01, 1), (inf, 1)])
    rates = rates_between(BEFORE, now, 1.0)
    assert (rates.packets_per_second, rates.ack_p50_seconds) == (0, None)

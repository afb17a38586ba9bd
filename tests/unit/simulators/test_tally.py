"""Latencies of a run."""

from __future__ import annotations

from array import array

from entrypoints.simulators.pbx.tally import Tally


def test_a_percentile_is_a_latency_that_was_measured() -> None:
    tally = Tally(latencies_seconds=array("d", [number / 100 for number in range(100, 0, -1)]))
    assert tally.latency_seconds(0.5, 0.95, 0.99, 1) == [0.5, 0.95, 0.99, 1.0]


def test_without_requests_there_is_no_latency() -> None:
    assert Tally().latency_seconds(0.5, 1) == [0, 0]

"""Medians and ratios over the rounds."""

from __future__ import annotations

import attrs
import pytest

from benchmarks.measurement import Unmeasured, Why
from benchmarks.memory import growth, is_flat
from benchmarks.run_results import p99_ms, per_second
from tests.unit.benchmarks.some_results import rate, results

FAILED = Unmeasured(Why.FAILED, "it did")


def test_a_figure_is_the_median_of_its_rounds() -> None:
    made = results(post=[rate(1000), rate(5000), rate(1100)])
    assert made.median("post", per_second) == 1100
    assert made.spread("post", per_second) == (1000, 5000)


def test_a_round_that_failed_is_left_out() -> None:
    made = results(post=[rate(1000), FAILED, rate(3000)])
    assert made.median("post", per_second) == 2000
    assert made.failed


def test_a_ratio_is_of_the_same_round() -> None:
    """A machine that was slow for a round slowed both."""
    made = results(post=[rate(100), rate(1000), rate(10)], copy=[rate(200), rate(2000), rate(20)])
    assert made.ratio("post", "copy", per_second) == 0.5


def test_a_round_counts_for_a_ratio_where_both_were_measured() -> None:
    made = results(post=[rate(100), rate(900)], copy=[FAILED, rate(1000)])
    assert made.ratio("post", "copy", per_second) == 0.9


def test_what_was_not_measured_has_no_figures() -> None:
    made = results(post=[rate(100)], ndjson=[Unmeasured(Why.NOT_SERVED, "415")])
    assert made.median("ndjson", p99_ms) is None
    assert made.ratio("ndjson", "post", per_second) is None
    assert made.ratio("post", "ndjson", per_second) is None
    assert made.median("unheard-of", per_second) is None
    assert made.is_out("ndjson")
    assert not made.failed


def test_an_acknowledged_packet_that_is_not_stored_fails_the_run() -> None:
    lost_one = attrs.evolve(rate(1000), acknowledged=101)
    assert results(post=[rate(1000), lost_one]).failed
    assert not results(post=[rate(1000)]).failed
    assert not results(post=[attrs.evolve(rate(1000), stored=None)]).failed


@pytest.mark.parametrize(
    ("samples", "flat"),
    [
        ([10.0] * 20 + [100.0] * 80, True),
        ([100.0 + number for number in range(100)], False),
        ([100.0, 300.0] * 50, True),
        ([100.0] * 9, None),
    ],
    ids=["warming up", "growing", "to and fro", "too few"],
)
def test_memory_is_flat_where_it_does_not_grow_once_warm(samples: list[float], flat: bool | None) -> None:
    assert is_flat(samples) is flat


def test_growth_is_told_as_a_share() -> None:
    assert growth([100.0] * 8 + [125.0] * 2) == pytest.approx(0.25)

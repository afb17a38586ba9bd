"""What must be reached, and whether it was."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import pytest

from benchmarks.goals import Verdict, judge
from benchmarks.measurement import ALONE_P99, TOLD_P99, Outcome, Unmeasured, Why
from benchmarks.run_results import Results
from tests.unit.benchmarks.some_results import OPTIONS, rate, results

BASELINES: dict[str, list[Outcome]] = {
    "nothing_stored": [rate(10_000)],
    "usual_design": [rate(300)],
    "pgbench": [rate(2_500)],
    "copy": [rate(118_000)],
}


def reached(made: Results) -> dict[str, bool | None]:
    """By goal, those that were judged."""
    verdicts: Sequence[Verdict] = judge(made, OPTIONS)
    return {verdict.goal: verdict.reached for verdict in verdicts if verdict.reached is not None}


@pytest.mark.parametrize(
    ("per_second", "expected"),
    [
        (8_000, {"≥ 0.75 x (a)": True, "≥ 25 x (b)": True, "≥ 3 x (c)": True}),
        (7_400, {"≥ 0.75 x (a)": False, "≥ 25 x (b)": False, "≥ 3 x (c)": False}),
        (7_499, {"≥ 0.75 x (a)": False, "≥ 25 x (b)": False, "≥ 3 x (c)": False}),
        (7_500, {"≥ 0.75 x (a)": True, "≥ 25 x (b)": True, "≥ 3 x (c)": True}),
    ],
)
def test_posts_are_held_against_the_baselines(per_second: float, expected: dict[str, bool]) -> None:
    assert expected.items() <= reached(results(**BASELINES, post=[rate(per_second)])).items()


def test_latencies_have_their_limits() -> None:
    made = results(post=[rate(8_000, p99_ms=50.1)], steady=[rate(1000, p99_ms=10, p99_9_ms=50)])
    verdicts = {verdict.what: verdict.reached for verdict in judge(made, OPTIONS)}
    assert verdicts["a packet per POST, 128 connections: p99"] is False
    assert verdicts["1,000 POST/s: p99"] is True
    assert verdicts["1,000 POST/s: p99.9"] is True


def test_readers_of_the_feed_are_held_against_the_same_server_without_them() -> None:
    """Round by round: the median of the ratios, not the ratio of the medians."""
    rounds = [(11.0, 10.0), (5.4, 5.0), (30.0, 20.0)]
    watched: list[Outcome] = [
        attrs.evolve(rate(2000, p99_ms=p99), notes={ALONE_P99: alone, TOLD_P99: 501.0})
        for p99, alone in rounds
    ]
    verdicts = {verdict.what: verdict for verdict in judge(results(watched=watched), OPTIONS)}
    slowed = verdicts["2,000 POST/s, 200 readers of the feed: p99"]
    assert (slowed.figure, slowed.reached) == ("1.10 x without", True)
    assert verdicts["2,000 POST/s, 200 readers of the feed: an event is told, p99"].reached is False
    assert verdicts["2,000 POST/s, 200 readers of the feed over WebSockets: p99"].reached is None


def test_the_best_of_websocket_and_ndjson_counts() -> None:
    not_served = Unmeasured(Why.NOT_SERVED, "404")
    made = results(**BASELINES, websocket=[not_served], websocket_50=[rate(40_000)], ndjson=[rate(60_000)])
    verdict = next(verdict for verdict in judge(made, OPTIONS) if verdict.goal == "≥ 0.5 x (d)")
    assert (verdict.what, verdict.reached) == ("WebSocket or NDJSON, saturated (ndjson)", True)


@pytest.mark.parametrize(
    ("copied", "per_second", "is_enough"),
    [(118_000, 49_000, False), (59_000, 25_500, True), (300_000, 50_000, True)],
)
def test_fifty_thousand_are_wanted_where_copy_makes_118_000_and_never_more(
    copied: float, per_second: float, is_enough: bool
) -> None:
    made = results(copy=[rate(copied)], websocket=[rate(per_second)])
    assert reached(made)["≥ 50,000/s where (d) makes 118,000/s"] is is_enough


def test_all_live_packets_must_be_acknowledged_and_memory_flat() -> None:
    whole = attrs.evolve(rate(50_000, p99_ms=49), memory_mib=(100.0,) * 300)
    assert reached(results(live=[whole])) == {"≤ 50 ms": True, "all acknowledged": True, "flat": True}
    cut = attrs.evolve(whole, refused=1, memory_mib=tuple(100.0 + second for second in range(300)))
    assert reached(results(live=[cut])) == {"≤ 50 ms": True, "all acknowledged": False, "flat": False}


def test_a_run_that_is_scaled_down_reaches_nothing() -> None:
    smaller = attrs.evolve(OPTIONS, live_calls=100, large_packets=1000)
    made = results(live=[rate(5_000)], read_call_large=[rate(50)])
    judged = [verdict for verdict in judge(made, smaller) if "scaled down" in verdict.figure]
    assert len(judged) > 2
    assert all(verdict.reached is None for verdict in judged)


@pytest.mark.parametrize(("p99_ms", "is_near"), [(12, True), (12.5, False)])
def test_ingest_beside_the_ai_stays_near_what_it_is_without(p99_ms: float, is_near: bool) -> None:
    made = results(steady=[rate(1000, p99_ms=10)], steady_ai=[rate(1000, p99_ms=p99_ms)])
    assert reached(made)["≤ 1.2 x without"] is is_near

"""What the packet path must reach, and whether it did."""

from __future__ import annotations

from typing import Final

import attrs

from benchmarks.bench import Options
from benchmarks.measurement import ALONE_P99, TOLD_P99, Measurement
from benchmarks.memory import growth, is_flat
from benchmarks.run_results import Figure, Results, p99_9_ms, p99_ms, per_second

COPY_OF_THE_GOAL: Final = 118_000
LIVE_CALLS: Final = 1000
LIVE_SECONDS: Final = 300
LARGE_PACKETS: Final = 10_000_000
LARGE_CALLS: Final = 100_000


@attrs.frozen
class Verdict:
    """``reached`` is None where it was not measured, or not at the size that the goal is about."""

    what: str
    goal: str
    figure: str
    reached: bool | None


def judge(results: Results, options: Options) -> list[Verdict]:
    return [
        *_posts(results),
        *_steady(results),
        *_saturated(results),
        *_live(results, options),
        *_large(results, options),
        _at_most_ratio(results, "beside 16 calls in AI processing: p99", "steady-ai", "steady", 1.2),
        *_watched(results, "watched", "200 readers of the feed"),
        *_watched(results, "watched-websocket", "200 readers of the feed over WebSockets"),
    ]


def _posts(results: Results) -> list[Verdict]:
    what = "a packet per POST, 128 connections"
    return [
        _at_least_ratio(results, what, "post", "nothing-stored", 0.75, "(a)"),
        _at_least_ratio(results, what, "post", "usual-design", 25, "(b)"),
        _at_least_ratio(results, what, "post", "pgbench", 3, "(c)"),
        _at_most_ms(results, f"{what}: p99", "post", p99_ms, 50),
    ]


def _steady(results: Results) -> list[Verdict]:
    return [
        _at_most_ms(results, "1,000 POST/s: p99", "steady", p99_ms, 10),
        _at_most_ms(results, "1,000 POST/s: p99.9", "steady", p99_9_ms, 50),
    ]


def _saturated(results: Results) -> list[Verdict]:
    what = "WebSocket or NDJSON, saturated"
    best = max(
        ("websocket", "websocket-50", "ndjson"), key=lambda name: results.median(name, per_second) or 0.0
    )
    copied = results.median("copy", per_second)
    rate = results.median(best, per_second)
    wanted = 50_000 * min(1.0, (copied or 0.0) / COPY_OF_THE_GOAL)
    return [
        _at_least_ratio(results, f"{what} ({best})", best, "copy", 0.5, "(d)"),
        Verdict(
            what,
            f"≥ 50,000/s where (d) makes {COPY_OF_THE_GOAL:,}/s",
            f"{rate:,.0f}/s where (d) makes {copied:,.0f}/s" if rate and copied else "-",
            rate >= wanted if rate and copied else None,
        ),
    ]


def _live(results: Results, options: Options) -> list[Verdict]:
    what = f"{options.live_calls:,} live calls, {options.live_seconds:g} s"
    is_full_size = options.live_calls >= LIVE_CALLS and options.live_seconds >= LIVE_SECONDS
    measured = results.measurements("live")
    verdicts = [
        _at_most_ms(results, f"{what}: send to ack, p99", "live", p99_ms, 50),
        *(_live_extras(what, measured[0]) if measured else ()),
    ]
    return [verdict if is_full_size else _scaled_down(verdict) for verdict in verdicts]


def _live_extras(what: str, live: Measurement) -> list[Verdict]:
    sent = live.acknowledged + live.refused
    grown = growth(live.memory_mib)
    return [
        Verdict(what, "all acknowledged", f"{live.acknowledged:,} of {sent:,}", live.refused == 0),
        Verdict(
            f"{what}: memory",
            "flat",
            f"{live.memory_mib[-1]:,.0f} MiB, {grown:+.1%}" if grown is not None else "-",
            is_flat(live.memory_mib),
        ),
    ]


def _watched(results: Results, name: str, readers: str) -> list[Verdict]:
    what = f"2,000 POST/s, {readers}"
    return [
        _at_most_times(f"{what}: p99", results.median(name, _watched_to_alone), 1.1),
        _at_most_ms(results, f"{what}: an event is told, p99", name, _told_p99_ms, 500),
    ]


def _watched_to_alone(measurement: Measurement) -> float | None:
    watched, alone = p99_ms(measurement), measurement.notes.get(ALONE_P99)
    return watched / alone if watched is not None and alone else None


def _told_p99_ms(measurement: Measurement) -> float | None:
    return measurement.notes.get(TOLD_P99)


def _large(results: Results, options: Options) -> list[Verdict]:
    what = f"{options.large_packets:,} packets, {options.large_calls:,} calls stored"
    is_full_size = options.large_packets >= LARGE_PACKETS and options.large_calls >= LARGE_CALLS
    verdicts = [
        _at_least_ratio(results, f"{what}: POST", "post-large", "post", 0.9, "empty"),
        _at_least_ratio(results, f"{what}: WebSocket", "websocket-large", "websocket", 0.9, "empty"),
        _at_most_ms(results, f"{what}: GET a call, p99", "read-call-large", p99_ms, 20),
        _at_most_ms(results, f"{what}: GET the list, p99", "read-list-large", p99_ms, 20),
    ]
    return [verdict if is_full_size else _scaled_down(verdict) for verdict in verdicts]


def _scaled_down(verdict: Verdict) -> Verdict:
    return attrs.evolve(verdict, figure=f"{verdict.figure} (scaled down)", reached=None)


def _at_least_ratio(results: Results, what: str, name: str, base: str, least: float, called: str) -> Verdict:
    ratio = results.ratio(name, base, per_second)
    figure = f"{ratio:.2f} x {called}" if ratio is not None else "-"
    return Verdict(what, f"≥ {least:g} x {called}", figure, None if ratio is None else ratio >= least)


def _at_most_ratio(results: Results, what: str, name: str, base: str, most: float) -> Verdict:
    return _at_most_times(what, results.ratio(name, base, p99_ms), most)


def _at_most_times(what: str, ratio: float | None, most: float) -> Verdict:
    figure = f"{ratio:.2f} x without" if ratio is not None else "-"
    return Verdict(what, f"≤ {most:g} x without", figure, None if ratio is None else ratio <= most)


def _at_most_ms(results: Results, what: str, name: str, figure: Figure, most: float) -> Verdict:
    value = results.median(name, figure)
    told = f"{value:,.1f} ms" if value is not None else "-"
    return Verdict(what, f"≤ {most:g} ms", told, None if value is None else value <= most)

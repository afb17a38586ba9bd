"""Results to judge and to report."""

from __future__ import annotations

from pathlib import Path

import attrs

from benchmarks.bench import Options
from benchmarks.latencies import Latencies
from benchmarks.measurement import Measurement, Outcome
from benchmarks.run_results import Results

OPTIONS = Options(
    rounds=5,
    seconds=10,
    only=frozenset(),
    processes=None,
    live_calls=1000,
    live_seconds=300,
    large=False,
    large_packets=10_000_000,
    large_calls=100_000,
    shared_buffers="6GB",
    results=Path("results"),
)


@attrs.frozen
class Named:
    name: str
    title: str


def rate(per_second: float, p99_ms: float = 5, p99_9_ms: float = 20) -> Measurement:
    latencies = Latencies(1000, 1, p99_ms, p99_9_ms, 30)
    return Measurement(
        seconds=10,
        per_second=per_second,
        acknowledged=100,
        stored=100,
        latencies=latencies,
        cores={"client": 0.25},
    )


def results(**outcomes: list[Outcome]) -> Results:
    """By name, with an underscore for a hyphen."""
    named = {name.replace("_", "-"): list(some) for name, some in outcomes.items()}
    made = Results.of([Named(name, f"the {name}") for name in named])
    for name, some in named.items():
        for outcome in some:
            made.add(name, outcome)
    return made

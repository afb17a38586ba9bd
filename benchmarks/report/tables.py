"""The figures and the verdicts as rows of text, for the terminal and for Markdown alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Final

from benchmarks.goals import Verdict
from benchmarks.measurement import Unmeasured
from benchmarks.run_results import (
    Figure,
    Results,
    cores_of,
    max_ms,
    p50_ms,
    p99_9_ms,
    p99_ms,
    per_second,
)

FIGURE_HEADINGS: Final = (
    "",
    "per second",
    "from to",
    "x (a)",
    "x (b)",
    "x (c)",
    "x (d)",
    "p50 ms",
    "p99 ms",
    "p99.9 ms",
    "max ms",
    "cores c/s/p/o",
    "stored",
)
VERDICT_HEADINGS: Final = ("what", "goal", "got", "reached")

WHOSE_CORES: Final = ("client", "server", "PostgreSQL", "others")

_BASES: Final = ("nothing-stored", "usual-design", "pgbench", "copy")
_NOTHING: Final = "-"
_AT_A_RATE: Final = frozenset(
    {
        "steady",
        "steady-ai",
        "watched",
        "watched-websocket",
        "live",
        "read-call-large",
        "read-list-large",
    }
)
"""Their rate is given, so that a ratio of it says nothing."""


def figure_rows(results: Results, titles: Mapping[str, str]) -> list[tuple[str, ...]]:
    """``titles`` by contender's name, in the order of the rows."""
    return [_figures(results, name, title) for name, title in titles.items()]


def remarks(results: Results) -> list[str]:
    """What the figures do not say: why there are none, what was refused, what else was noted."""
    return [f"{name}: {remark}" for name in results.titles for remark in _remarks_on(results, name)]


def _remarks_on(results: Results, name: str) -> Iterator[str]:
    unmeasured = [outcome for outcome in results.outcomes[name] if isinstance(outcome, Unmeasured)]
    yield from dict.fromkeys(f"{outcome.why.value}: {outcome.detail}" for outcome in unmeasured)
    measured = results.measurements(name)
    if refused := sum(measurement.refused for measurement in measured):
        yield f"{refused:,} refused or unanswered"
    for note in dict.fromkeys(note for measurement in measured for note in measurement.notes):
        noted = median(measurement.notes[note] for measurement in measured if note in measurement.notes)
        yield f"{note} {noted:,g}"


def verdict_rows(verdicts: Sequence[Verdict]) -> list[tuple[str, ...]]:
    words = {True: "yes", False: "NO", None: _NOTHING}
    return [(verdict.what, verdict.goal, verdict.figure, words[verdict.reached]) for verdict in verdicts]


def _figures(results: Results, name: str, title: str) -> tuple[str, ...]:
    if not results.measurements(name):
        return (title, *[_NOTHING] * (len(FIGURE_HEADINGS) - 1))
    least, most = results.spread(name, per_second) or (0.0, 0.0)
    return (
        title,
        _number(results.median(name, per_second), 0),
        f"{least:,.0f} {most:,.0f}",
        *(_times(results, name, base) for base in _BASES),
        *(_median(results, name, figure, 1) for figure in (p50_ms, p99_ms, p99_9_ms, max_ms)),
        "/".join(_median(results, name, cores_of(whose), 1) for whose in WHOSE_CORES),
        _stored(results, name),
    )


def _times(results: Results, name: str, base: str) -> str:
    ratio = None if name in _AT_A_RATE else results.ratio(name, base, per_second)
    return _number(ratio, 2)


def _median(results: Results, name: str, figure: Figure, digits: int) -> str:
    return _number(results.median(name, figure), digits)


def _stored(results: Results, name: str) -> str:
    measured = results.measurements(name)
    if all(measurement.stored is None for measurement in measured):
        return _NOTHING
    lost = sum(max(0, one.acknowledged - (one.stored or 0)) for one in measured)
    return "all" if lost == 0 else f"{lost:,} LOST"


def _number(value: float | None, digits: int) -> str:
    return _NOTHING if value is None else f"{value:,.{digits}f}"

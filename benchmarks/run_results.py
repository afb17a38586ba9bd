"""The outcomes of a run, and what can be said of them together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import Protocol

import attrs

from benchmarks.measurement import Measurement, Outcome, Unmeasured, Why

Figure = Callable[[Measurement], float | None]


class Titled(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...


@attrs.frozen
class Results:
    """By contender's name, in the order of the run; an outcome for each round."""

    titles: dict[str, str]
    outcomes: dict[str, list[Outcome]]

    @classmethod
    def of(cls, contenders: Sequence[Titled]) -> Results:
        return cls(
            {contender.name: contender.title for contender in contenders},
            {contender.name: [] for contender in contenders},
        )

    def add(self, name: str, outcome: Outcome) -> None:
        self.outcomes[name].append(outcome)

    def is_out(self, name: str) -> bool:
        """Whether it need not be tried again: the server lacks what it measures, or the machine does."""
        return any(
            isinstance(outcome, Unmeasured) and outcome.why is not Why.FAILED
            for outcome in self.outcomes[name]
        )

    def measurements(self, name: str) -> list[Measurement]:
        """Of the rounds that have one."""
        return [outcome for outcome in self.outcomes.get(name, ()) if isinstance(outcome, Measurement)]

    def median(self, name: str, figure: Figure) -> float | None:
        """Over the rounds; None where no round has the figure."""
        return _median(figure(measurement) for measurement in self.measurements(name))

    def ratio(self, name: str, base: str, figure: Figure) -> float | None:
        """The median of each round's ratio, so that what slowed a whole round down does not matter."""
        pairs = zip(self.outcomes.get(name, ()), self.outcomes.get(base, ()), strict=False)
        return _median(_ratio(one, other, figure) for one, other in pairs)

    def spread(self, name: str, figure: Figure) -> tuple[float, float] | None:
        """The least and the most of all rounds."""
        values = [value for one in self.measurements(name) if (value := figure(one)) is not None]
        return (min(values), max(values)) if values else None

    @property
    def failed(self) -> bool:
        """Whether a contender failed, or did not store what it had acknowledged."""
        return any(
            outcome.why is Why.FAILED if isinstance(outcome, Unmeasured) else not outcome.kept_its_promise
            for outcomes in self.outcomes.values()
            for outcome in outcomes
        )


def per_second(measurement: Measurement) -> float:
    return measurement.per_second


def p50_ms(measurement: Measurement) -> float | None:
    return measurement.latencies.p50_ms if measurement.latencies else None


def p99_ms(measurement: Measurement) -> float | None:
    return measurement.latencies.p99_ms if measurement.latencies else None


def p99_9_ms(measurement: Measurement) -> float | None:
    return measurement.latencies.p99_9_ms if measurement.latencies else None


def max_ms(measurement: Measurement) -> float | None:
    return measurement.latencies.max_ms if measurement.latencies else None


def cores_of(whose: str) -> Figure:
    return lambda measurement: measurement.cores.get(whose)


def _ratio(one: Outcome, other: Outcome, figure: Figure) -> float | None:
    if not (isinstance(one, Measurement) and isinstance(other, Measurement)):
        return None
    above, below = figure(one), figure(other)
    return above / below if above is not None and below else None


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None

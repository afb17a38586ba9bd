"""What a run shows: a line for each experiment, and what was violated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from faults.trial import Trial

VIOLATIONS_SHOWN: Final = 5


def show_trial(console: Console, trial: Trial) -> None:
    figures = trial.figures
    console.print(
        f"{trial.experiment.name}, seed {trial.seed}, {trial.seconds:.0f} s: {judgement(trial)}\n"
        f"  {trial.faults} faults and mends; {figures.requests} requests: {figures.acknowledged} "
        f"acknowledged, {figures.refused} refused, {figures.unavailable} times 503, "
        f"{figures.without_answer} without answer, {figures.spooled} spooled; "
        f"the slowest write took {figures.slowest_answer_seconds:.1f} s; {figures.deadlocks} deadlocks\n"
        f"  {figures.packets_stored} packets stored, {figures.calls_archived} calls archived, "
        f"{figures.calls_failed} failed, {figures.effects} AI effects, "
        f"{figures.effects_repeated} repeated after a fault"
    )
    for remark in trial.remarks:
        console.print(f"  {remark}")
    for name, count in Counter(violation.name for violation in trial.violations).items():
        shown = [violation for violation in trial.violations if violation.name == name][:VIOLATIONS_SHOWN]
        console.print(f"  {name}, {count} times")
        if trial.experiment.is_control:
            continue  # that it was seen is enough
        for violation in shown:
            console.print(f"    {violation.what}")


def show_summary(console: Console, seed: int, trials: Sequence[Trial]) -> None:
    table = Table(title=f"seed {seed}", box=SIMPLE)
    for title in (
        "experiment",
        "faults and mends",
        "acknowledged",
        "503",
        "no answer",
        "violations",
        "as expected",
    ):
        table.add_column(title, justify="left" if title in ("experiment", "as expected") else "right")
    for trial in trials:
        table.add_row(
            trial.experiment.name,
            str(trial.faults),
            str(trial.figures.acknowledged),
            str(trial.figures.unavailable),
            str(trial.figures.without_answer),
            str(len(trial.violations)),
            "yes" if trial.is_as_expected else "NO",
        )
    console.print(table)


def judgement(trial: Trial) -> str:
    """A control is as expected where the checker found what it has to."""
    if not trial.tried_something:
        return "NOTHING WAS ACKNOWLEDGED"
    if not trial.experiment.is_control:
        return "as expected" if trial.is_as_expected else "VIOLATED"
    missed = trial.experiment.must_show - {violation.name for violation in trial.violations}
    return f"NOT SEEN: {', '.join(sorted(missed))}" if missed else "the broken guard was seen"

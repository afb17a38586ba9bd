"""A run's results in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.goals import Verdict
from benchmarks.report.tables import FIGURE_HEADINGS, VERDICT_HEADINGS, figure_rows, remarks, verdict_rows
from benchmarks.run_results import Results


def show(console: Console, results: Results, verdicts: Sequence[Verdict]) -> None:
    console.print(
        _table("Medians", FIGURE_HEADINGS, figure_rows(results, {name: name for name in results.titles}))
    )
    for remark in remarks(results):
        console.print(remark)
    goals = _table("Goals", VERDICT_HEADINGS, ())
    colours = {True: "green", False: "red", None: "dim"}
    for verdict, row in zip(verdicts, verdict_rows(verdicts), strict=True):
        goals.add_row(*row, style=colours[verdict.reached])
    console.print(goals)


def _table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left")
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*row)
    return table

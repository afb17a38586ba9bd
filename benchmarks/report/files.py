"""A run's results as JSON and Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import attrs
import orjson

from benchmarks.bench import WARM_UP_SECONDS, Options
from benchmarks.goals import Verdict
from benchmarks.machine import Machine
from benchmarks.report.tables import FIGURE_HEADINGS, VERDICT_HEADINGS, figure_rows, remarks, verdict_rows
from benchmarks.run_results import Results

LATEST: Final = "latest"


@attrs.frozen
class Report:
    began_at: datetime
    machine: Machine
    options: Options
    results: Results
    verdicts: Sequence[Verdict]
    is_whole: bool
    """Whether every contender took part in five rounds or more."""

    def write(self, folder: Path) -> list[Path]:
        """The files; a whole run's are the latest too."""
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{self.began_at.astimezone(UTC):%Y-%m-%d}-{self.machine.short_name}"
        names = [name, LATEST] if self.is_whole else [f"{name}-partial"]
        written = []
        for stem in names:
            for suffix, content in (("json", self.json()), ("md", self.markdown().encode())):
                file = folder / f"{stem}.{suffix}"
                file.write_bytes(content)
                written.append(file)
        return written

    def json(self) -> bytes:
        options = attrs.asdict(self.options, filter=lambda field, _: field.name != "results")
        everything: dict[str, Any] = {
            "began_at": self.began_at.astimezone(UTC),
            "machine": attrs.asdict(self.machine),
            "options": options | {"only": sorted(self.options.only), "warm_up_seconds": WARM_UP_SECONDS},
            "verdicts": [attrs.asdict(verdict) for verdict in self.verdicts],
            "contenders": {
                name: {
                    "title": self.results.titles[name],
                    "rounds": [attrs.asdict(outcome) for outcome in outcomes],
                }
                for name, outcomes in self.results.outcomes.items()
            },
        }
        return orjson.dumps(everything, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    def markdown(self) -> str:
        options = self.options
        return "\n\n".join(
            (
                f"# Measured on {self.began_at.astimezone(UTC):%Y-%m-%d}",
                self._machine(),
                (
                    f"{options.rounds} rounds, the contenders in turn, {options.seconds:g} s each after"
                    f" {WARM_UP_SECONDS:g} s of warming up; a fresh database each time. Medians over the"
                    " rounds; ratios are medians of each round's ratio. Cores are processor time"
                    " by the clock's, of client, server, PostgreSQL, and others that had no part in it."
                ),
                markdown_table(FIGURE_HEADINGS, figure_rows(self.results, self.results.titles)),
                "\n".join(f"- {remark}" for remark in remarks(self.results)),
                "## Goals",
                markdown_table(VERDICT_HEADINGS, verdict_rows(self.verdicts)),
                "",
            )
        )

    def _machine(self) -> str:
        machine = self.machine
        postgresql = ", ".join(
            f"{name} {value}" for name, value in machine.postgresql.items() if name != "server_version"
        )
        packages = ", ".join(f"{name} {number}" for name, number in machine.packages.items())
        return (
            f"{machine.cores} cores ({machine.processor}), {machine.memory_gib:g} GiB, {machine.kernel},"
            f" {machine.python}, {packages}; PostgreSQL {machine.postgresql['server_version']}"
            f" ({postgresql}). One page made durable {machine.fsyncs_per_second:,} times a second; load"
            f" average {machine.load_average:g} when the run began. The load generator shares the machine."
        )


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first column to the left, figures to the right."""
    lines = [headings, ["---"] + ["---:"] * (len(headings) - 1), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)

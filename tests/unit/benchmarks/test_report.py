"""Results as files and tables."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import attrs
import orjson
import pytest

from benchmarks.goals import judge
from benchmarks.machine import Machine
from benchmarks.measurement import Unmeasured, Why
from benchmarks.report.files import Report, markdown_table
from benchmarks.report.tables import FIGURE_HEADINGS, figure_rows, remarks
from tests.unit.benchmarks.some_results import OPTIONS, rate, results

MACHINE = Machine(
    cores=2,
    processor="AMD EPYC (some) @ 2 GHz",
    memory_gib=23.5,
    kernel="Linux 6.1",
    python="CPython 3.11.7",
    packages={"aiohttp": "3.14.5"},
    postgresql={"server_version": "18.4", "fsync": "on"},
    fsyncs_per_second=5524,
    load_average=0.5,
)
RESULTS = results(
    pgbench=[rate(2_500), rate(3_500)],
    post=[attrs.evolve(rate(8_000), refused=2), rate(9_000)],
    ndjson=[Unmeasured(Why.NOT_SERVED, "NDJSON is answered 415")],
)


@pytest.fixture
def report() -> Report:
    return Report(
        datetime(2026, 11, 24, 7, tzinfo=UTC),
        MACHINE,
        OPTIONS,
        RESULTS,
        judge(RESULTS, OPTIONS),
        is_whole=True,
    )


def test_a_whole_run_is_the_latest_too(report: Report, tmp_path: Path) -> None:
    written = report.write(tmp_path / "results")
    assert sorted(file.name for file in written) == [
        "2026-11-24-2-core-amd-epyc-some-2-ghz.json",
        "2026-11-24-2-core-amd-epyc-some-2-ghz.md",
        "latest.json",
        "latest.md",
    ]


def test_a_partial_run_is_never_the_latest(report: Report, tmp_path: Path) -> None:
    written = attrs.evolve(report, is_whole=False).write(tmp_path)
    assert {file.stem for file in written} == {"2026-11-24-2-core-amd-epyc-some-2-ghz-partial"}


def test_the_json_has_every_round_and_the_machines_facts_but_no_folder(report: Report) -> None:
    everything = orjson.loads(report.json())
    assert [one["per_second"] for one in everything["contenders"]["post"]["rounds"]] == [8_000, 9_000]
    assert everything["contenders"]["ndjson"]["rounds"] == [
        {"why": "not served", "detail": "NDJSON is answered 415"}
    ]
    assert everything["machine"]["fsyncs_per_second"] == 5524
    assert "results" not in everything["options"]
    assert any(verdict["reached"] for verdict in everything["verdicts"])


def test_the_markdown_has_figures_remarks_and_goals(report: Report) -> None:
    text = report.markdown()
    assert "| the post | 8,500 | 8,000 9,000 |" in text
    assert "- ndjson: not served: NDJSON is answered 415" in text
    assert "| a packet per POST, 128 connections | ≥ 3 x (c) | 2.89 x (c) | NO |" in text
    assert "AMD EPYC (some) @ 2 GHz" in text


def test_each_row_has_a_cell_for_each_heading() -> None:
    rows = figure_rows(RESULTS, RESULTS.titles)
    assert [len(row) for row in rows] == [len(FIGURE_HEADINGS)] * 3


def test_packets_that_were_lost_are_told() -> None:
    made = results(post=[attrs.evolve(rate(8_000), acknowledged=103), rate(8_000)])
    assert figure_rows(made, made.titles)[0][-1] == "3 LOST"


def test_what_was_refused_and_noted_is_remarked() -> None:
    noted = attrs.evolve(rate(1000), notes={"fewest in processing": 16.0})
    made = results(post=[attrs.evolve(rate(1), refused=2)], steady_ai=[noted])
    assert remarks(made) == ["post: 2 refused or unanswered", "steady-ai: fewest in processing 16"]


def test_a_bar_in_a_cell_does_not_break_the_table() -> None:
    assert markdown_table(("a", "b"), [("x|y", "1")]).splitlines()[-1] == r"| x\|y | 1 |"

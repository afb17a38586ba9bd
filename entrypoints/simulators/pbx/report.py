"""What the end of a run prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

from entrypoints.simulators.pbx.exchange import PlacedCall
from entrypoints.simulators.pbx.tally import Tally

LINES_SHOWN: Final = 20


def print_summary(console: Console, calls: Sequence[PlacedCall], tally: Tally) -> None:
    table = Table(box=box.SIMPLE_HEAD, show_header=False, pad_edge=False)
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    p50, p95, p99, longest = tally.latency_seconds(0.5, 0.95, 0.99, 1)
    counts = (
        ("calls", len(calls)),
        ("  begun and completed", sum(call.completed for call in calls)),
        ("packets", sum(call.plan.final_sequence for call in calls)),
        ("  lost on purpose", sum(len(call.plan.lost) for call in calls)),
        ("  sent, with copies", tally.packets_sent),
        ("  acknowledged, with copies", tally.packets_acknowledged),
        ("  answered as duplicates", tally.reported_duplicates),
        ("  acknowledged, distinct", sum(len(call.acknowledged) for call in calls)),
        ("requests", len(tally.latencies_seconds)),
        ("  sent again after an error", tally.repeats),
        ("  refused", tally.refusals.total()),
        ("  given up", tally.unacknowledged),
    )
    for name, number in counts:
        table.add_row(name, f"{number:,}")
    table.add_section()
    for name, seconds in (("p50", p50), ("p95", p95), ("p99", p99), ("max", longest)):
        table.add_row(f"latency {name}", f"{seconds * 1000:,.1f} ms")
    console.print(table)
    print_lines(console, [f"refused {number} times: {what}" for what, number in tally.refusals.most_common()])


def print_lines(console: Console, lines: Sequence[str]) -> None:
    """The first LINES_SHOWN, and how many more there are."""
    for line in lines[:LINES_SHOWN]:
        console.print(line, markup=False, soft_wrap=True)
    if len(lines) > LINES_SHOWN:
        console.print(f"… and {len(lines) - LINES_SHOWN:,} more")

"""The options of a run, and the run."""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import uvloop
from rich.console import Console

from benchmarks.bench import PROJECT, Bench, Options
from benchmarks.contenders.contender import Contender
from benchmarks.contenders.everyone import everyone, with_a_large_database
from benchmarks.goals import LARGE_CALLS, LARGE_PACKETS, LIVE_CALLS, LIVE_SECONDS, judge
from benchmarks.machine import examine, memory_bytes
from benchmarks.postgres import running_postgres
from benchmarks.report.files import Report
from benchmarks.report.terminal import show
from benchmarks.rounds import measure

FEWEST_ROUNDS: Final = 5
FILE_WIDTH: Final = 150
_SECONDS_AROUND: Final = 5
"""To start a server, begin calls, warm up, count and stop."""

SCRATCH: Final = Path("/var/tmp")  # noqa: S108 # on a disk, where /tmp may be memory, which fsync does not slow
A_QUARTER_OF_THE_MEMORY: Final = f"{memory_bytes() // 4 // 2**20}MB"

RESULTS: Final = PROJECT / "benchmarks" / "results"


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 1 where a contender failed, or lost what it had acknowledged."""
    console = Console(
        highlight=False, markup=False, soft_wrap=True, width=None if sys.stdout.isatty() else FILE_WIDTH
    )
    options = parse(arguments)
    contenders = chosen(options)
    _allow_many_connections()
    with tempfile.TemporaryDirectory(prefix="trunkline-bench-", dir=SCRATCH) as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)  # as root, PostgreSQL runs as another user, who must get through
        with (
            running_postgres(folder, options.shared_buffers) as postgres,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            report = runner.run(_run(Bench(options, postgres, folder, console.print), contenders))
    show(console, report.results, report.verdicts)
    for file in report.write(options.results):
        console.print(f"written: {file.name}")
    return int(report.results.failed)


async def _run(bench: Bench, contenders: Sequence[Contender]) -> Report:
    await bench.postgres.require_durability()
    began_at = datetime.now(UTC)
    machine = examine(bench.folder, await bench.postgres.facts())
    bench.say(_plan(bench.options, contenders))
    results = await measure(bench, contenders)
    is_whole = len(contenders) >= len(everyone()) and bench.options.rounds >= FEWEST_ROUNDS
    verdicts = judge(results, bench.options)
    return Report(began_at, machine, bench.options, results, verdicts, is_whole)


def _plan(options: Options, contenders: Sequence[Contender]) -> str:
    in_rounds = sum(contender.in_rounds for contender in contenders)
    seconds = options.rounds * in_rounds * (options.seconds + _SECONDS_AROUND)
    seconds += (len(contenders) - in_rounds) * options.live_seconds
    return f"rounds: {options.rounds}, contenders: {len(contenders)}, about {seconds / 60:.0f} minutes"


def chosen(options: Options) -> list[Contender]:
    """Those that take part, in the order of a round. Ends the process where a name is unknown."""
    known = [*everyone(), *with_a_large_database()]
    unknown = options.only - {contender.name for contender in known}
    if unknown:
        names = ", ".join(contender.name for contender in known)
        sys.exit(f"no contender is called {', '.join(sorted(unknown))}; there are {names}")
    if options.only:
        return [contender for contender in known if contender.name in options.only]
    return known if options.large else [*everyone()]


def parse(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(
        "python -m benchmarks", description="Measures the packet path beside baselines, in the same run."
    )
    parser.add_argument(
        "--rounds",
        type=_positive,
        default=FEWEST_ROUNDS,
        help="rounds of all contenders (default: %(default)s)",
    )
    parser.add_argument(
        "--seconds", type=_positive, default=10, help="each contender in each round (default: %(default)s)"
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        help="this contender; may be given several times",
    )
    parser.add_argument("--processes", type=_positive, help="serve with so many processes")
    parser.add_argument(
        "--live-calls", type=_positive, default=LIVE_CALLS, help="live calls at a time (default: %(default)s)"
    )
    parser.add_argument(
        "--live-seconds",
        type=_positive,
        default=LIVE_SECONDS,
        help="how long they last (default: %(default)s)",
    )
    parser.add_argument(
        "--large", action="store_true", help="also with a large database, which takes minutes to fill"
    )
    parser.add_argument(
        "--large-packets", type=_positive, default=LARGE_PACKETS, help="packets in it (default: %(default)s)"
    )
    parser.add_argument(
        "--large-calls", type=_positive, default=LARGE_CALLS, help="calls in it (default: %(default)s)"
    )
    parser.add_argument(
        "--shared-buffers",
        default=A_QUARTER_OF_THE_MEMORY,
        metavar="SIZE",
        help="of PostgreSQL (default: %(default)s, a quarter of the memory, as its manual advises)",
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the results")
    given = vars(parser.parse_args(arguments))
    return Options(**given | {"only": frozenset(given["only"])})


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


def _allow_many_connections() -> None:
    """For as many live calls as the system lets one process have; the servers started inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

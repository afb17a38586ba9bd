"""The options of a run, and the run."""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs
import uvloop
from rich.console import Console

from faults.experiments.everyone import CONTROLS, EXPERIMENTS
from faults.experiments.experiment import Experiment
from faults.report import show_summary, show_trial
from faults.turns import SEEDS, Turns

FILE_WIDTH: Final = 120
SCRATCH: Final = Path("/var/tmp")  # noqa: S108 # on a disk, where /tmp may be memory, which fsync does not slow


@attrs.frozen(kw_only=True)
class Options:
    """As given on the command line; see there."""

    seed: int
    minutes: float | None
    rounds: int | None
    only: frozenset[str]


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 1 where a promise was broken, or a control's broken guard went unseen."""
    options = parse(arguments)
    console = Console(
        highlight=False, markup=False, soft_wrap=True, width=None if sys.stdout.isatty() else FILE_WIDTH
    )
    chosen_experiments = chosen(options.only)
    _allow_many_connections()
    folder = Path(tempfile.mkdtemp(prefix="trunkline-faults-", dir=SCRATCH))
    folder.chmod(0o755)  # as root, PostgreSQL runs as another user, who must get through
    console.print(f"seed {options.seed}; histories, ledgers and logs in {folder}")
    turns = Turns(
        options.seed, options.minutes, options.rounds, folder, lambda trial: show_trial(console, trial)
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(turns.take(chosen_experiments))
    for left_out in turns.left_out:
        console.print(left_out)
    show_summary(console, options.seed, turns.trials)
    if not all(trial.is_as_expected for trial in turns.trials):
        return 1
    shutil.rmtree(folder)
    return 0


def chosen(only: frozenset[str]) -> list[Experiment]:
    """Those that are run, in order. Ends the process where a name is unknown."""
    known = [*EXPERIMENTS, *CONTROLS]
    unknown = only - {experiment.name for experiment in known}
    if unknown:
        names = ", ".join(experiment.name for experiment in known)
        sys.exit(f"no experiment is called {', '.join(sorted(unknown))}; there are {names}")
    return [experiment for experiment in known if not only or experiment.name in only]


def parse(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(
        "python -m faults",
        description="Breaks what Trunkline stands on, under load, and checks that its promises held.",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=random.SystemRandom().randrange(SEEDS),
        help="brings the same calls and draws back (default: a new one, which is printed)",
    )
    parser.add_argument(
        "--minutes", type=float, help="soak: longer experiments, again and again for this long"
    )
    parser.add_argument(
        "--rounds",
        type=_count,
        metavar="N",
        help="this many rounds of each experiment, each round a fault and its mending",
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        help="this experiment; may be given several times",
    )
    given = vars(parser.parse_args(arguments))
    return Options(**given | {"only": frozenset(given["only"])})


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise ValueError("must be 1 or more")
    return count


def _allow_many_connections() -> None:
    """For all senders that wait while the service is away."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

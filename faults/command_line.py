"""The options of a run, and the run."""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs
import uvloop
from rich.console import Console

from faults.experiments.everyone import CONTROLS, EXPERIMENTS
from faults.experiments.experiment import Experiment
from faults.postgres import running_postgres
from faults.report import show_summary, show_trial
from faults.trial import Trial, run_trial

CONTROL_SECONDS: Final = 10.0
SHORT_SECONDS: Final = 14.0
SOAK_SECONDS: Final = 45.0
SEEDS: Final = 2**31
FILE_WIDTH: Final = 120
SCRATCH: Final = Path("/var/tmp")  # noqa: S108 # on a disk, where /tmp may be memory, which fsync does not slow


@attrs.frozen(kw_only=True)
class Options:
    """As given on the command line; see there."""

    seed: int
    minutes: float | None
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
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        trials = runner.run(_run(options, chosen_experiments, folder, console))
    show_summary(console, options.seed, trials)
    if not all(trial.is_as_expected for trial in trials):
        return 1
    shutil.rmtree(folder)
    return 0


async def _run(
    options: Options, experiments: Sequence[Experiment], folder: Path, console: Console
) -> list[Trial]:
    trials: list[Trial] = []
    seeds = random.Random(options.seed)
    async with running_postgres(folder) as postgres:
        for number, experiment in enumerate(_in_turn(experiments, options.minutes), start=1):
            seed = seeds.randrange(SEEDS)
            seconds = _seconds(experiment, options)
            trial_folder = _make_folder(folder, f"{number}-{experiment.name}")
            trial = await run_trial(experiment, postgres, trial_folder, seed, seconds)
            show_trial(console, trial)
            trials.append(trial)
    return trials


def _make_folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir()
    return folder


def _seconds(experiment: Experiment, options: Options) -> float:
    """For how long new calls begin, and things are broken."""
    if experiment.is_control:
        return CONTROL_SECONDS
    return SHORT_SECONDS if options.minutes is None else SOAK_SECONDS


def _in_turn(experiments: Sequence[Experiment], minutes: float | None) -> Iterator[Experiment]:
    """Each once; in a soak then those that are no controls again and again, until time is up."""
    until = time.monotonic() + (minutes or 0) * 60
    yield from experiments
    again = [experiment for experiment in experiments if not experiment.is_control] or list(experiments)
    while True:
        for experiment in again:
            if time.monotonic() > until:
                return
            yield experiment


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
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        help="this experiment; may be given several times",
    )
    given = vars(parser.parse_args(arguments))
    return Options(**given | {"only": frozenset(given["only"])})


def _allow_many_connections() -> None:
    """For all senders that wait while the service is away."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

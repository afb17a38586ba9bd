"""Which experiment is run when, beside which others, and with which seed."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final

import attrs

from faults.experiments.experiment import Experiment, Extent
from faults.postgres import KillablePostgres, running_postgres
from faults.small_disk import NoSmallDisk, small_disk
from faults.trial import Trial, run_trial

SIDE_BY_SIDE: Final = 3
"""Short experiments at a time; they wait more than they work."""
SEEDS: Final = 2**31
SMALL_DISK_MEGABYTES: Final = {"database": 192, "spool": 16}
"""A new server, and what PostgreSQL keeps of its log, take up to 140 of the first."""


@attrs.frozen
class Turn:
    """``place`` is the experiment's, counted from 1; a soak has it several times."""

    place: int
    experiment: Experiment
    seed: int
    extent: Extent


@attrs.define(eq=False)
class Turns:
    """``minutes`` and ``rounds`` are None for the short form; ``show`` is told of each finished trial."""

    seed: int
    minutes: float | None
    rounds: int | None
    folder: Path
    show: Callable[[Trial], None]
    left_out: list[str] = attrs.field(factory=list, init=False)
    """A line for each that cannot be run here, with its reason."""
    _trials: dict[int, Trial] = attrs.field(factory=dict, init=False)

    @property
    def trials(self) -> list[Trial]:
        """What came of each, in the order of their places."""
        return [self._trials[place] for place in sorted(self._trials)]

    async def take(self, experiments: Sequence[Experiment]) -> None:
        """Those that measure time alone, before the others."""
        turns = list(self.once(experiments))
        async with running_postgres(self.folder) as shared:
            if self.minutes is not None or self.rounds is not None:
                await self._run_all(self._again_and_again(turns), shared)
                return
            await self._run_all((turn for turn in turns if turn.experiment.measures_time), shared)
            others = (turn for turn in turns if not turn.experiment.measures_time)
            async with asyncio.TaskGroup() as side_by_side:
                for _ in range(SIDE_BY_SIDE):
                    side_by_side.create_task(self._run_all(others, shared))

    def once(self, experiments: Iterable[Experiment]) -> Iterator[Turn]:
        for place, experiment in enumerate(experiments, start=1):
            yield self._turn(place, experiment, 1)

    async def _run_all(self, turns: Iterator[Turn], shared: KillablePostgres) -> None:
        for turn in turns:
            try:
                trial = self._trials[turn.place] = await self._run(turn, shared)
            except NoSmallDisk as reason:
                self.left_out.append(f"{turn.experiment.name} was LEFT OUT: {reason}")
                continue
            self.show(trial)

    async def _run(self, turn: Turn, shared: KillablePostgres) -> Trial:
        folder = self.folder / f"{turn.place}-{turn.experiment.name}"
        folder.mkdir()
        kind = turn.experiment.small_disk
        with small_disk(folder / "disk", SMALL_DISK_MEGABYTES[kind]) if kind else nullcontext() as disk:
            if not turn.experiment.breaks_postgres:
                return await run_trial(turn.experiment, shared, folder, turn.seed, turn.extent, disk)
            server_folder = (disk.folder if disk and kind == "database" else folder) / "server"
            server_folder.mkdir()
            async with running_postgres(server_folder) as own:
                return await run_trial(turn.experiment, own, folder, turn.seed, turn.extent, disk)

    def _again_and_again(self, turns: Sequence[Turn]) -> Iterator[Turn]:
        """Each once; then those that are no controls again and again, until the minutes are over."""
        until = time.monotonic() + (self.minutes or 0) * 60
        yield from turns
        again = [turn.experiment for turn in turns if not turn.experiment.is_control]
        times = Counter(turn.experiment.name for turn in turns)
        place = len(turns)
        while again:
            for experiment in again:
                if time.monotonic() > until:
                    return
                place += 1
                times[experiment.name] += 1
                yield self._turn(place, experiment, times[experiment.name])

    def _turn(self, place: int, experiment: Experiment, time: int) -> Turn:
        return Turn(place, experiment, seed_of(self.seed, experiment.name, time), self._extent(experiment))

    def _extent(self, experiment: Experiment) -> Extent:
        if self.rounds is not None:
            return attrs.evolve(experiment.long, rounds=self.rounds)
        return experiment.short if self.minutes is None else experiment.long


def seed_of(seed: int, name: str, time: int) -> int:
    """The same whichever others are run, so that an experiment alone has the seed that it had among them."""
    return random.Random(f"{seed} {name} {time}").randrange(SEEDS)

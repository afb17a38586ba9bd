"""One experiment from beginning to end: load, faults, rest, and the checker's verdict."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
import attrs

from faults.checker import Figures, check
from faults.database_way import DatabaseWay
from faults.experiments.experiment import Experiment, Extent
from faults.history import HistoryWriter, faults_of, read_history, requests_of
from faults.load import Load
from faults.observed import calls_set_aside, observe, states_of_calls
from faults.postgres import KillablePostgres
from faults.processes import NotReady, RestartableProcess, free_port
from faults.rules.answers import refused_writes
from faults.sender import Sender
from faults.small_disk import SmallDisk
from faults.spool_files import read_spool
from faults.stage import DRAIN_SECONDS, Stage
from faults.violation import Violation

REPLAYED_WITHIN_SECONDS: Final = 30
"""After every sender has been told; everything that was spooled must be in the database by then."""
ARCHIVED_WITHIN_SECONDS: Final = 60
"""After that; a job whose worker was killed is taken up again within half a minute."""

_PATIENCE: Final = {
    "TRUNKLINE_AI_RETRY_ATTEMPTS": "2",
    "TRUNKLINE_AI_RETRY_WAIT_SECONDS": "0.1",
    "TRUNKLINE_AI_RUN_DELAYS_SECONDS": ",".join(["1"] * 12),
    "TRUNKLINE_AI_TIMEOUT_SECONDS": "10",
    "TRUNKLINE_DRAIN_SECONDS": str(DRAIN_SECONDS),
    "TRUNKLINE_SETTLE_SECONDS": "0.5",
}
"""An operator's settings, for a day that is over in a minute."""


@attrs.frozen(kw_only=True)
class Trial:
    """What came of an experiment. ``faults`` counts what was broken and mended.

    ``remarks`` are figures of its own.
    """

    experiment: Experiment
    seed: int
    seconds: float
    faults: int
    figures: Figures
    violations: tuple[Violation, ...]
    remarks: tuple[str, ...] = ()

    @property
    def tried_something(self) -> bool:
        """Or it proves nothing, whatever came of it."""
        return self.figures.acknowledged > 0

    @property
    def is_as_expected(self) -> bool:
        names = {violation.name for violation in self.violations}
        came_out = self.experiment.must_show <= names if self.experiment.is_control else not names
        return came_out and self.tried_something


async def run_trial(
    experiment: Experiment,
    postgres: KillablePostgres,
    folder: Path,
    seed: int,
    extent: Extent,
    disk: SmallDisk | None = None,
) -> Trial:
    """Leaves its history, ledger and logs in ``folder``, which is there and has none yet.

    ``disk`` is the one that the experiment asks for.
    """
    began = time.monotonic()
    ahead_seconds = experiment.expected.database_ahead_seconds
    database_url = await postgres.make_database(folder.name, ahead_seconds)
    ledger = folder / "ai-ledger.jsonl"
    data_folder = (disk.folder if disk and experiment.small_disk == "spool" else folder) / "data"
    async with _staged(experiment, postgres, database_url, folder, data_folder, seed) as stage:
        stage.disk = disk
        stage.most_rounds = extent.rounds
        await _under_load(stage, experiment, seed, extent.seconds)
        await _until_replayed(stage)
        await _until_archived(stage, _completed(folder), _archived_within_seconds(experiment))
        await _stop(stage)
    records = read_history(folder / "history.jsonl")
    observed = await observe(database_url, ledger, read_spool(data_folder))
    verdict = check(records, observed, experiment.expected)
    refused = refused_writes(requests_of(records)) if experiment.takes_every_write else ()
    return Trial(
        experiment=experiment,
        seed=seed,
        seconds=time.monotonic() - began,
        faults=len(faults_of(records)),
        figures=verdict.figures,
        violations=(*stage.violations, *verdict.violations, *refused),
        remarks=tuple(stage.remarks),
    )


@asynccontextmanager
async def _staged(
    experiment: Experiment,
    postgres: KillablePostgres,
    database_url: str,
    folder: Path,
    data_folder: Path,
    seed: int,
) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        history = stack.enter_context(HistoryWriter(folder / "history.jsonl"))
        way = await stack.enter_async_context(DatabaseWay(database_url, history.fault).running())
        ai_port = free_port()
        ai = _simulated_ai(experiment.ai_program, folder, ai_port, seed)
        stack.push_async_callback(ai.close)
        await ai.start()
        environment = {
            **_PATIENCE,
            **experiment.settings,
            "TRUNKLINE_DATABASE_URL": way.url if experiment.is_behind_way else database_url,
            "TRUNKLINE_DATA_DIR": str(data_folder),
            "TRUNKLINE_AI_BASE_URL": f"http://127.0.0.1:{ai_port}/v1",
        }

        def process(name: str, command: str, port_setting: str) -> RestartableProcess:
            port = free_port()
            made = RestartableProcess(
                folder / f"{name}.log",
                [experiment.program, command, "--migrate"],
                environment | {port_setting: str(port)},
                f"http://127.0.0.1:{port}",
                "/readyz",
            )
            stack.push_async_callback(made.close)
            return made

        service = process("service", "serve", "TRUNKLINE_PORT")
        second = process("second", "serve", "TRUNKLINE_PORT")
        worker = process("worker", "work", "TRUNKLINE_WORK_PORT")
        await service.start()
        yield Stage(postgres, database_url, service, second, worker, ai, way, history)


def _simulated_ai(program: str, folder: Path, port: int, seed: int) -> RestartableProcess:
    arguments = [program, "--port", str(port), "--seed", str(seed)]
    arguments += ["--failure-rate", "0.25", "--latency", "0.05", "0.5"]
    arguments += ["--ledger", str(folder / "ai-ledger.jsonl")]
    return RestartableProcess(folder / "ai.log", arguments, {}, f"http://127.0.0.1:{port}", "/v1/models")


async def _under_load(stage: Stage, experiment: Experiment, seed: int, seconds: float) -> None:
    """Faults for as long as new calls begin, and then until every sender has been told."""
    async with aiohttp.ClientSession() as session:
        url, dice = stage.service.url, random.Random(seed)
        sender = Sender(url, stage.history, session, dice, experiment.hang_up_share)
        try:
            async with stage.under(Load(sender, seed, experiment.calls_per_second, experiment.plan)):
                await experiment.disturb(stage, random.Random(seed), seconds)
        except NotReady as error:
            stage.violations.append(Violation("not_ready_again", str(error)))


def _completed(folder: Path) -> set[str]:
    return {
        request.attempt.call_id
        for request in requests_of(read_history(folder / "history.jsonl"))
        if request.attempt.action == "complete" and request.was_acknowledged
    }


async def _until_replayed(stage: Stage) -> None:
    until = time.monotonic() + REPLAYED_WITHIN_SECONDS
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < until:
            async with session.get(f"{stage.service.url}/readyz") as answer:
                if (await answer.json())["status"] == "ready":
                    return
            await asyncio.sleep(0.25)
    stage.violations.append(Violation("not_replayed", f"not within {REPLAYED_WITHIN_SECONDS} s"))


def _archived_within_seconds(experiment: Experiment) -> float:
    if experiment.archived_within_seconds is not None:
        return experiment.archived_within_seconds
    return 0 if experiment.is_control else ARCHIVED_WITHIN_SECONDS


async def _until_archived(stage: Stage, call_ids: set[str], within_seconds: float) -> None:
    """Or until time is up: what is not archived then, the checker names.

    Calls that were set aside are reprocessed, as by an operator; it names those, too, that should not have
    been.
    """
    until = time.monotonic() + within_seconds
    reprocessed: set[str] = set()
    while time.monotonic() < until:
        for call_id in await calls_set_aside(stage.database_url):
            await _reprocess(stage, call_id)
            reprocessed.add(call_id)
        states = await states_of_calls(stage.database_url)
        if all(states.get(call_id) in ("ARCHIVED", "FAILED") for call_id in call_ids):
            break
        await asyncio.sleep(0.25)
    if reprocessed:
        stage.remarks.append(
            f"{len(reprocessed)} calls set aside after three kills in a row, and reprocessed"
        )


async def _reprocess(stage: Stage, call_id: str) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{stage.service.url}/v1/calls/{call_id}/reprocess") as answer,
    ):
        if answer.status != 202:
            refused = f"of call {call_id!r}, with {answer.status}"
            stage.violations.append(Violation("reprocess_refused", refused))


async def _stop(stage: Stage) -> None:
    for process in (stage.service, stage.second, stage.worker):
        if process.is_running:
            await stage.stop(process)

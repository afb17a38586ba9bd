"""A call whose processing kills its process: it is set aside, and its neighbours are archived."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import aiohttp

from tests.end_to_end.api_client import ApiClient
from tests.end_to_end.deadly_worker import DEADLY_WORD
from tests.end_to_end.processes import RunningProcess, running, start

NEIGHBOURS = ["neighbour-1", "neighbour-2", "neighbour-3"]


async def test_a_call_that_kills_its_process_is_set_aside_after_three_deaths(
    service_environment: dict[str, str], tmp_path: Path
) -> None:
    environment = service_environment | {
        "TRUNKLINE_AI_BASE_URL": "http://127.0.0.1:9/v1",  # nobody asks it
        "TRUNKLINE_SETTLE_SECONDS": "0",
        "TRUNKLINE_WORK_PORT": "0",
    }
    async with (
        running(tmp_path / "serve.log", "serve", "--no-worker", environment=environment) as serve,
        aiohttp.ClientSession() as session,
    ):
        api = ApiClient(session, serve.url)
        for call_id in [*NEIGHBOURS, "poison"]:
            await api.packet(call_id, 1, DEADLY_WORD if call_id == "poison" else call_id)
            assert (await api.complete(call_id, 1))[0] == 202

        done = asyncio.create_task(_all_done(api))
        deaths, worker = 0, await _start_worker(tmp_path, 0, environment)
        try:
            while not await _outlives(worker, done):
                assert worker.process.returncode == -signal.SIGKILL, worker.log.read_text()
                deaths += 1
                worker = await _start_worker(tmp_path, deaths, environment)
            async with session.get(f"{worker.url}/metrics") as answer:
                metrics = await answer.text()
        finally:
            done.cancel()
            if worker.process.returncode is None:
                await worker.kill()

        assert deaths == 3
        assert "trunkline_calls_set_aside_total 1.0" in metrics.splitlines()
        poison = await api.call("poison")
        assert (poison["state"], poison["failure"]["reason"], poison["runs"]) == ("FAILED", "poison", 3)
        async with session.post(f"{serve.url}/v1/calls/poison/reprocess") as answer:
            assert answer.status == 202


async def _start_worker(folder: Path, number: int, environment: dict[str, str]) -> RunningProcess:
    log = folder / f"worker-{number}.log"
    return await start(log, environment=environment, module="tests.end_to_end.deadly_worker")


async def _outlives(worker: RunningProcess, done: asyncio.Task[None]) -> bool:
    """Whether the worker still runs when everything is done."""
    ended = asyncio.create_task(worker.process.wait())
    await asyncio.wait({ended, done}, return_when=asyncio.FIRST_COMPLETED)
    if ended.done():
        return False
    ended.cancel()
    done.result()
    return True


async def _all_done(api: ApiClient) -> None:
    await api.all_reach("FAILED", ["poison"], within_seconds=60)
    await api.all_reach("ARCHIVED", NEIGHBOURS, within_seconds=30)

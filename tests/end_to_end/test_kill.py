"""kill -9 of the server while calls are processed and packets come in."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp

from tests.end_to_end.api_client import ApiClient
from tests.end_to_end.processes import RunningProcess, running, start

CALLS = 20
PACKETS_PER_SECOND = 200
SECONDS_BEFORE_THE_KILL = 3
PACKETS_AFTER_THE_COMPLETION = 50
"""Far less than the AI takes for a call, on any machine."""


async def test_everything_acknowledged_is_there_after_a_restart(
    service_environment: dict[str, str], tmp_path: Path
) -> None:
    done = [f"done-{number}" for number in range(CALLS)]
    simulated_ai = ("simulate", "ai", "--port", "0", "--failure-rate", "0.25", "--latency", "1", "2")
    async with running(tmp_path / "ai.log", *simulated_ai, environment={}) as ai:
        environment = service_environment | {
            "TRUNKLINE_AI_BASE_URL": f"{ai.url}/v1",
            "TRUNKLINE_AI_RETRY_WAIT_SECONDS": "0.2",
            "TRUNKLINE_SETTLE_SECONDS": "0",
        }
        serve = await start(tmp_path / "serve.log", "serve", environment=environment)
        async with aiohttp.ClientSession() as session:
            api = ApiClient(session, serve.url)
            for call_id in done:
                await api.packet(call_id, 1, f"what was said in {call_id}")
            acknowledged = await _stream_until_killed(api, serve, done)

        assert len(acknowledged) > PACKETS_PER_SECOND * SECONDS_BEFORE_THE_KILL / 2
        async with (
            running(tmp_path / "again.log", "serve", environment=environment) as again,
            aiohttp.ClientSession() as session,
        ):
            api = ApiClient(session, again.url)
            stored = await api.packets("live")
            assert {sequence: stored.get(sequence) for sequence in acknowledged} == acknowledged
            await api.all_reach("ARCHIVED", done, within_seconds=60)
            runs = [(await api.call(call_id))["runs"] for call_id in done]
        assert max(runs) > 1, "the kill interrupted nothing; it came too early or too late"


async def _stream_until_killed(api: ApiClient, serve: RunningProcess, done: list[str]) -> dict[int, str]:
    """Send packets at a steady rate, complete ``done``, and kill while the AI works on them.

    Those that were acknowledged.
    """
    acknowledged: dict[int, str] = {}

    async def send(sequence: int) -> None:
        data = f"live piece {sequence}"
        try:
            status, _ = await api.packet("live", sequence, data)
        except (aiohttp.ClientError, OSError):
            return
        if status == 202:
            acknowledged[sequence] = data

    sending = set()
    for sequence in range(1, PACKETS_PER_SECOND * (SECONDS_BEFORE_THE_KILL + 1)):
        if sequence == PACKETS_PER_SECOND * (SECONDS_BEFORE_THE_KILL - 1):
            for call_id in done:
                assert (await api.complete(call_id, 1))[0] == 202
            await _until_the_ai_works(api, done)
        if sequence == PACKETS_PER_SECOND * (SECONDS_BEFORE_THE_KILL - 1) + PACKETS_AFTER_THE_COMPLETION:
            await serve.kill()
        sending.add(asyncio.create_task(send(sequence)))
        await asyncio.sleep(1 / PACKETS_PER_SECOND)
    await asyncio.gather(*sending)
    return acknowledged


async def _until_the_ai_works(api: ApiClient, call_ids: list[str]) -> None:
    async with asyncio.timeout(30):
        while "PROCESSING_AI" not in [(await api.call(call_id))["state"] for call_id in call_ids]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)

"""A PBX that dies in the middle of a call: what it sent is transcribed all the same."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp

from tests.end_to_end.api_client import ApiClient
from tests.end_to_end.processes import running


async def test_a_call_whose_end_never_comes_is_archived_and_says_why(
    service_environment: dict[str, str], tmp_path: Path
) -> None:
    """By one of two processes; a call that is still heard goes on."""
    simulated_ai = ("simulate", "ai", "--port", "0", "--failure-rate", "0", "--latency", "0", "0")
    async with running(tmp_path / "ai.log", *simulated_ai, environment={}) as ai:
        environment = service_environment | {
            "TRUNKLINE_AI_BASE_URL": f"{ai.url}/v1",
            "TRUNKLINE_IDLE_CALL_SECONDS": "3",
        }
        async with (
            running(tmp_path / "one.log", "serve", environment=environment) as one,
            running(tmp_path / "two.log", "serve", environment=environment) as two,
            aiohttp.ClientSession() as session,
        ):
            api = ApiClient(session, one.url, two.url)
            assert (await api.packet("cut-off", 1, "what was said before the line was cut"))[0] == 202
            archived = asyncio.create_task(api.all_reach("ARCHIVED", ["cut-off"], within_seconds=30))
            sequence = 0
            while not archived.done():
                sequence += 1
                assert (await api.packet("live", sequence, "still here", server=sequence % 2))[0] == 202
                await asyncio.sleep(0.1)
            await archived
            call, live = await api.call("cut-off"), await api.call("live")
    assert live["state"] == "IN_PROGRESS"
    assert call["transcript"] == "what was said before the line was cut"
    events = [entry["event"] for entry in call["history"]]
    assert events == [
        "call_started",
        "call_completed",
        "run_started",
        "call_transcribed",
        "call_archived",
    ]
    assert call["history"][1]["detail"] == {"reason": "idle"}

"""A hundred calls against an AI that fails every second time."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import aiohttp

from tests.end_to_end.api_client import ApiClient
from tests.end_to_end.processes import ledger_lines, running

CALLS = 100
MULAW = {"encoding": "audio/x-mulaw", "sample_rate_hz": 8000, "channels": 1}
TONE = "AP8A/wD/AP8A/wD/AP8A/wD/AP8A/wD/AP8A/w=="


async def test_every_call_is_archived_and_each_step_succeeds_once_per_run(
    service_environment: dict[str, str], tmp_path: Path
) -> None:
    ledger = tmp_path / "ai.jsonl"
    simulated_ai = (
        "simulate", "ai", "--port", "0", "--failure-rate", "0.5", "--latency", "0", "0.05", "--seed", "7",
        "--ledger", str(ledger),
    )  # fmt: skip
    call_ids = [f"c-{number}" for number in range(CALLS)]
    async with running(tmp_path / "ai.log", *simulated_ai, environment={}) as ai:
        environment = service_environment | {
            "TRUNKLINE_AI_BASE_URL": f"{ai.url}/v1",
            "TRUNKLINE_AI_RETRY_WAIT_SECONDS": "0.05",
            "TRUNKLINE_AI_RUN_DELAYS_SECONDS": "0.2,0.2,0.2,0.2,0.2,0.2",
            "TRUNKLINE_SETTLE_SECONDS": "0",
        }
        async with (
            running(tmp_path / "serve.log", "serve", environment=environment) as serve,
            aiohttp.ClientSession() as session,
        ):
            api = ApiClient(session, serve.url)
            await asyncio.gather(*(_place(api, call_id) for call_id in call_ids))
            await api.all_reach("ARCHIVED", call_ids, within_seconds=90)
            calls = [await api.call(call_id) for call_id in call_ids]

    assert all(call["summary"] for call in calls)
    lines = ledger_lines(ledger)
    assert any(line["status"] == 503 for line in lines)
    effects = Counter(line["idempotency_key"] for line in lines if line["effect"])
    assert set(effects.values()) == {1}
    steps = Counter(
        (str(line["idempotency_key"]).split(":")[0], line["step"]) for line in lines if line["effect"]
    )
    assert steps == {(call_id, step): 1 for call_id in call_ids for step in ("transcription", "analysis")}


async def _place(api: ApiClient, call_id: str) -> None:
    assert (await api.init(call_id, media=MULAW))[0] == 201
    assert (await api.packet(call_id, 1, TONE))[0] == 202
    assert (await api.complete(call_id, 1))[0] == 202

"""SIGTERM: what was accepted is answered, what is worked on is finished or handed on, exit 0."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from pathlib import Path

import aiohttp

from tests.end_to_end.api_client import ApiClient
from tests.end_to_end.processes import running


async def test_sigterm_under_load_ends_cleanly_within_ten_seconds(
    service_environment: dict[str, str], tmp_path: Path
) -> None:
    """Requests get their answer or were never taken, and calls in processing are handed on."""
    slow_ai = ("simulate", "ai", "--port", "0", "--failure-rate", "0", "--latency", "30", "30")
    answered: list[int] = []
    async with running(tmp_path / "ai.log", *slow_ai, environment={}) as ai:
        environment = service_environment | {
            "TRUNKLINE_AI_BASE_URL": f"{ai.url}/v1",
            "TRUNKLINE_SETTLE_SECONDS": "0",
            "TRUNKLINE_DRAIN_SECONDS": "2",
        }
        async with (
            running(tmp_path / "serve.log", "serve", environment=environment) as serve,
            aiohttp.ClientSession() as session,
        ):
            api = ApiClient(session, serve.url)
            await api.packet("slow", 1, "hello")
            await api.complete("slow", 1)
            await api.all_reach("PROCESSING_AI", ["slow"], within_seconds=20)

            async def send(sequence: int) -> None:
                with suppress(aiohttp.ClientError):  # nobody listens any more: it was never taken
                    answered.append((await api.packet("live", sequence, "x"))[0])

            sending = [asyncio.create_task(send(sequence)) for sequence in range(1, 301)]
            await asyncio.sleep(0)
            began = time.monotonic()
            status = await serve.terminate()
            seconds = time.monotonic() - began
            await asyncio.gather(*sending)

        assert status == 0, serve.log.read_text()
        assert seconds < 10
        assert set(answered) <= {202, 503}
        assert "jobs_handed_on" in serve.log.read_text()

        async with (
            running(tmp_path / "again.log", "serve", environment=environment) as again,
            aiohttp.ClientSession() as session,
        ):
            api = ApiClient(session, again.url)
            stored = await api.packets("live") if 202 in answered else {}
            assert len(stored) >= answered.count(202)

"""SIGTERM: what was accepted is answered, what is worked on is finished or handed on, exit 0."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from tests.end_to_end.api_client import ApiClient
from tests.end_to_end.processes import running
from tests.end_to_end.slow_client import half_sent_request
from tests.http.database_proxy import DatabaseProxy
from tests.waiting import until


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


async def test_a_second_sigterm_ends_the_waiting_for_jobs_requests_sockets_and_a_silent_database(
    database_url: str, tmp_path: Path
) -> None:
    """The first one waits; what was acknowledged is there, and the exit status is 0 all the same."""
    proxy = DatabaseProxy()
    async with proxy.reach(database_url) as url, ai_that_never_answers() as ai_url:
        environment = {
            "TRUNKLINE_DATABASE_URL": url,
            "TRUNKLINE_DATA_DIR": str(tmp_path / "data"),
            "TRUNKLINE_PORT": "0",
            "TRUNKLINE_AI_BASE_URL": ai_url,
            "TRUNKLINE_SETTLE_SECONDS": "0",
            "TRUNKLINE_DRAIN_SECONDS": "60",
        }
        async with (
            running(tmp_path / "serve.log", "serve", environment=environment) as serve,
            aiohttp.ClientSession() as session,
        ):
            api = ApiClient(session, serve.url)
            await api.packet("slow", 1, "hello")
            await api.complete("slow", 1)
            await api.all_reach("PROCESSING_AI", ["slow"], within_seconds=20)
            async with (
                half_sent_request(serve.url) as unanswered,
                session.ws_connect(f"{serve.url}/v1/call/stream/live/ws", autoclose=False) as socket,
            ):
                await socket.receive()
                await socket.send_json({"sequence": 1, "data": "said", "timestamp": 1.5})
                assert (await socket.receive_json())["ack"] == {"stream": "main", "through": 1}
                await proxy.silence()
                serve.process.send_signal(signal.SIGTERM)
                await until(lambda: bool(serve.logged("draining")))
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(serve.process.wait(), 0.3)
                began = time.monotonic()
                assert await serve.terminate() == 0, serve.log.read_text()
                assert time.monotonic() - began < 5
                assert await unanswered.read() == b""
            assert serve.logged("requests_cut_off")
            assert serve.logged("jobs_left")
    connection = await asyncpg.connect(database_url)
    try:
        stored = await connection.fetch("SELECT call_id, data FROM packets ORDER BY call_id")
        jobs = await connection.fetchval("SELECT count(*) FROM pgqueuer WHERE status = 'picked'")
    finally:
        await connection.close()
    assert [tuple(row) for row in stored] == [("live", b"said"), ("slow", b"hello")]
    assert jobs == 1, "whoever starts next takes it up"


@asynccontextmanager
async def ai_that_never_answers() -> AsyncIterator[str]:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()
        writer.transport.abort()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.close()

"""`trunkline serve --processes`: one port, several processes, and what becomes of those that are killed."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.end_to_end.api_client import ApiClient
from tests.end_to_end.processes import RunningProcess, run_to_its_end, running
from tests.end_to_end.slow_client import half_sent_request
from tests.waiting import until

PACKETS_PER_SECOND = 200


def listening_pids(serve: RunningProcess) -> list[int]:
    return [line["pid"] for line in serve.logged("listening")]


@asynccontextmanager
async def running_two(log: Path, *options: str, environment: dict[str, str]) -> AsyncIterator[RunningProcess]:
    """Both listen already."""
    async with running(log, "serve", "--processes", "2", *options, environment=environment) as serve:
        await until(lambda: bool(serve.logged("all_processes_listen")))
        yield serve


async def on_a_new_connection(url: str, call_id: str) -> None:
    """Which of the processes takes it is the kernel's choice."""
    async with aiohttp.ClientSession() as session:
        assert (await ApiClient(session, url).init(call_id))[0] == 201


async def test_both_processes_answer_and_either_tells_what_both_counted(
    service_environment: dict[str, str], tmp_path: Path
) -> None:
    async with running_two(tmp_path / "serve.log", environment=service_environment) as serve:
        pids = set(listening_pids(serve))
        assert len(pids) == 2
        assert serve.process.pid not in pids
        started = 0
        async with asyncio.timeout(20):
            while {line["pid"] for line in serve.logged("request")} != pids:
                await on_a_new_connection(serve.url, f"c-{started}")
                started += 1
        for _ in range(10):
            assert await counted_starts(serve.url) == started
        assert await serve.terminate() == 0


async def counted_starts(url: str) -> float:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/metrics") as answer:
        families = text_string_to_metric_families(await answer.text())
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == "trunkline_http_requests_total" and sample.labels["route"] == "/v1/call/init"
    )


async def stream(url: str, acknowledged: dict[int, str], until_set: asyncio.Event) -> None:
    """Send packets at a steady rate, each on a connection of its own, and note those acknowledged."""

    async def send(sequence: int) -> None:
        data = f"live piece {sequence}"
        try:
            async with aiohttp.ClientSession() as session:
                status, _ = await ApiClient(session, url).packet("live", sequence, data)
        except (aiohttp.ClientError, OSError):
            return
        if status == 202:
            acknowledged[sequence] = data

    sequence = 0
    async with asyncio.TaskGroup() as sending:
        while not until_set.is_set():
            sequence += 1
            sending.create_task(send(sequence))
            await asyncio.sleep(1 / PACKETS_PER_SECOND)


async def test_one_that_is_killed_loses_nothing_and_is_replaced_while_the_port_goes_on_answering(
    service_environment: dict[str, str], tmp_path: Path
) -> None:
    """And SIGTERM under the same load answers all that was taken."""
    acknowledged: dict[int, str] = {}
    enough = asyncio.Event()
    async with running_two(tmp_path / "serve.log", environment=service_environment) as serve:
        sending = asyncio.create_task(stream(serve.url, acknowledged, enough))
        await until(lambda: len(acknowledged) > 200)
        killed, other = listening_pids(serve)
        os.kill(killed, signal.SIGKILL)
        await until(lambda: bool(serve.logged("process_ended")))
        assert len(listening_pids(serve)) == 2, "its successor is to wait a moment"
        before = len(acknowledged)
        await until(lambda: len(acknowledged) > before + 10)
        await until(lambda: len(listening_pids(serve)) == 3)
        _, _, successor = listening_pids(serve)
        number = 0
        async with asyncio.timeout(20):
            while not {successor, other} <= {line["pid"] for line in serve.logged("request")}:
                await on_a_new_connection(serve.url, f"c-{number}")
                number += 1
        began = time.monotonic()
        assert await serve.terminate() == 0, serve.log.read_text()
        assert time.monotonic() - began < 10
        enough.set()
        await sending
    assert {line["pid"] for line in serve.logged("stopped")} == {other, successor}
    async with (
        running(tmp_path / "again.log", "serve", environment=service_environment) as again,
        aiohttp.ClientSession() as session,
    ):
        stored = await ApiClient(session, again.url).packets("live")
    assert {sequence: stored.get(sequence) for sequence in acknowledged} == acknowledged


async def test_a_second_signal_hands_on_what_is_worked_on_and_waits_for_no_request(
    service_environment: dict[str, str], tmp_path: Path
) -> None:
    """The first one may reach every process, as a service manager sends it, and still is only the first."""
    slow_ai = ("simulate", "ai", "--port", "0", "--failure-rate", "0", "--latency", "60", "60")
    async with running(tmp_path / "ai.log", *slow_ai, environment={}) as ai:
        environment = service_environment | {
            "TRUNKLINE_AI_BASE_URL": f"{ai.url}/v1",
            "TRUNKLINE_SETTLE_SECONDS": "0",
            "TRUNKLINE_DRAIN_SECONDS": "50",
        }
        async with running_two(tmp_path / "serve.log", environment=environment) as serve:
            async with aiohttp.ClientSession() as session:
                api = ApiClient(session, serve.url)
                await api.packet("slow", 1, "hello")
                await api.complete("slow", 1)
                await api.all_reach("PROCESSING_AI", ["slow"], within_seconds=20)
            async with half_sent_request(serve.url):
                serve.process.send_signal(signal.SIGTERM)
                await until(lambda: len(serve.logged("draining")) == 2)
                for pid in listening_pids(serve):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGTERM)
                with pytest.raises(TimeoutError):
                    await until(lambda: bool(serve.logged("jobs_handed_on")), within_seconds=1)
                began = time.monotonic()
                assert await serve.terminate() == 0, serve.log.read_text()
                assert time.monotonic() - began < 3
        assert len(serve.logged("jobs_handed_on")) == 1


async def test_when_the_supervisor_is_killed_the_others_end_and_stop_the_embedded_server(
    data_folder: Path,
) -> None:
    """What was acknowledged is there when the next one starts."""
    environment = {
        "TRUNKLINE_DATA_DIR": str(data_folder / "data"),
        "TRUNKLINE_PORT": "0",
        "TMPDIR": str(data_folder),  # where a killed supervisor leaves what it counted in
    }
    server = data_folder / "data" / "postgres" / "postmaster.pid"
    acknowledged: dict[int, str] = {}
    enough = asyncio.Event()
    async with running_two(data_folder / "a.log", "--migrate", environment=environment) as serve:
        sending = asyncio.create_task(stream(serve.url, acknowledged, enough))
        await until(lambda: len(acknowledged) > 100)
        assert server.exists()
        await serve.kill()
        await until(lambda: len(serve.logged("stopped")) == 2)
        enough.set()
        await sending
        await until(lambda: not server.exists())
        assert not is_listened_on(serve.url)
    async with running_two(data_folder / "b.log", environment=environment) as again:
        async with aiohttp.ClientSession() as session:
            stored = await ApiClient(session, again.url).packets("live")
        assert {sequence: stored.get(sequence) for sequence in acknowledged} == acknowledged
        assert await again.terminate() == 0
    assert not server.exists()


def is_listened_on(url: str) -> bool:
    address = urlsplit(url)
    with socket.socket() as connection:
        return connection.connect_ex((address.hostname or "", address.port or 0)) == 0


async def test_an_old_schema_is_refused_in_one_line_by_all_together(empty_database_url: str) -> None:
    environment = {"TRUNKLINE_DATABASE_URL": empty_database_url, "TRUNKLINE_PORT": "0"}
    status, output = await run_to_its_end("serve", "--processes", "3", environment=environment)
    assert status == 1
    (line,) = output.strip().splitlines()
    assert line.startswith("trunkline: the database lacks 0001_calls")


async def test_a_port_that_is_somebody_elses_is_refused_even_if_they_would_share_it(
    service_environment: dict[str, str],
) -> None:
    for shared in (False, True):
        with socket.create_server(("127.0.0.1", 0), reuse_port=shared) as taken:
            port = str(taken.getsockname()[1])
            environment = service_environment | {"TRUNKLINE_PORT": port}
            status, output = await run_to_its_end("serve", "--processes", "2", environment=environment)
        assert status == 1
        (line,) = output.strip().splitlines()
        assert line.startswith(f"trunkline: cannot listen on 127.0.0.1:{port}: ")

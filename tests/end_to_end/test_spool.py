"""The spool of real processes: kill -9, a disk without room, and what the dead leave to the living."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.end_to_end.api_client import ApiClient
from tests.end_to_end.processes import RunningProcess, run_to_its_end, running, start
from tests.http.database_proxy import DatabaseProxy
from tests.waiting import until, until_found

MEGABYTE = 1_000_000
AUDIO = {"encoding": "audio/x-mulaw", "sample_rate_hz": 8000, "channels": 1}


@pytest.fixture
async def proxied(database_url: str, tmp_path: Path) -> AsyncIterator[tuple[DatabaseProxy, dict[str, str]]]:
    """A way to the database that can be cut, and the environment in which that is the way."""
    proxy = DatabaseProxy()
    async with proxy.reach(database_url) as url:
        yield (
            proxy,
            {
                "TRUNKLINE_DATABASE_URL": url,
                "TRUNKLINE_PORT": "0",
                "TRUNKLINE_DATA_DIR": str(tmp_path / "data"),
            },
        )


@asynccontextmanager
async def api_of(process: RunningProcess) -> AsyncIterator[ApiClient]:
    async with aiohttp.ClientSession() as session:
        yield ApiClient(session, process.url)


async def health(process: RunningProcess) -> Any:
    async with aiohttp.ClientSession() as session, session.get(f"{process.url}/readyz") as answer:
        return await answer.json()


async def until_ready(process: RunningProcess) -> None:
    async def is_ready() -> bool:
        return bool((await health(process))["status"] == "ready")

    await until_found(is_ready)


async def test_what_was_spooled_survives_kill_9(
    proxied: tuple[DatabaseProxy, dict[str, str]], tmp_path: Path
) -> None:
    """The database is away, packets are answered, the process is killed; its successor has them all."""
    proxy, environment = proxied
    first = await start(tmp_path / "a.log", "serve", "--no-worker", environment=environment)
    acknowledged: dict[int, str] = {}
    async with api_of(first) as api:
        assert (await api.packet("before", 1, "stored"))[0] == 202
        await proxy.cut()
        assert (await api.init("c-1", media=AUDIO, metadata={"to": "200"}))[0] == 201

        async def send(sequence: int) -> None:
            data = f"//{sequence:06d}"
            try:
                status, answer = await api.packet("c-1", sequence, data)
            except (aiohttp.ClientError, OSError):
                return
            if status == 202:
                assert answer["durability"] == "spooled"
                acknowledged[sequence] = data

        sending = [asyncio.create_task(send(sequence)) for sequence in range(1, 601)]
        await until(lambda: len(acknowledged) >= 300)
        await first.kill()
        await asyncio.gather(*sending)
    await proxy.restore()
    async with running(tmp_path / "b.log", "serve", "--no-worker", environment=environment) as second:
        await until_ready(second)
        async with api_of(second) as api:
            stored = await api.packets("c-1")
            call = await api.call("c-1")
            assert await api.packets("before") == {1: "stored"}
        assert await second.terminate() == 0
    assert len(acknowledged) >= 300
    assert {sequence: stored.get(sequence) for sequence in acknowledged} == acknowledged
    assert (call["media"], call["metadata"]) == (AUDIO, {"to": "200"})
    assert list((tmp_path / "data" / "spool").rglob("*.sqlite3")) == [], "it is replayed, and gone"


async def test_what_is_not_replayed_at_the_end_stays_for_the_next_start(
    proxied: tuple[DatabaseProxy, dict[str, str]], tmp_path: Path
) -> None:
    proxy, environment = proxied
    async with running(tmp_path / "a.log", "serve", "--no-worker", environment=environment) as first:
        async with api_of(first) as api:
            await proxy.cut()
            assert (await api.packet("c-1", 1, "kept"))[1]["durability"] == "spooled"
        assert await first.terminate() == 0
    await proxy.restore()
    async with running(tmp_path / "b.log", "serve", "--no-worker", environment=environment) as second:
        await until_ready(second)
        async with api_of(second) as api:
            assert await api.packets("c-1") == {1: "kept"}


async def test_a_process_that_lives_adopts_what_a_dead_one_left(
    proxied: tuple[DatabaseProxy, dict[str, str]], tmp_path: Path
) -> None:
    """Two machines' worth of processes in one folder; one dies, and none comes in its place."""
    proxy, environment = proxied
    dead = await start(tmp_path / "a.log", "serve", "--no-worker", environment=environment)
    async with running(tmp_path / "b.log", "serve", "--no-worker", environment=environment) as living:
        await proxy.cut()
        async with api_of(dead) as api:
            assert (await api.packet("of-the-dead", 1, "left"))[1]["durability"] == "spooled"
        async with api_of(living) as api:
            assert (await api.packet("of-the-living", 1, "own"))[1]["durability"] == "spooled"
        await dead.kill()
        await proxy.restore()
        await until(lambda: bool(living.logged("spool_adopted")))
        await until_ready(living)
        async with api_of(living) as api:
            assert await api.packets("of-the-dead") == {1: "left"}
            assert await api.packets("of-the-living") == {1: "own"}


async def test_a_call_goes_over_two_processes_of_which_one_has_no_database(
    proxied: tuple[DatabaseProxy, dict[str, str]], database_url: str, tmp_path: Path
) -> None:
    """Its init and a packet are spooled by one; the other, whose database answers, does not overtake them."""
    proxy, environment = proxied
    directly = environment | {"TRUNKLINE_DATABASE_URL": database_url}
    async with (
        running(tmp_path / "a.log", "serve", "--no-worker", environment=environment) as without,
        running(tmp_path / "b.log", "serve", "--no-worker", environment=directly) as with_database,
        aiohttp.ClientSession() as session,
    ):
        await proxy.cut()
        api = ApiClient(session, without.url, with_database.url)
        assert (await api.init("c-1", media=AUDIO))[1]["durability"] == "spooled"
        assert (await api.packet("c-1", 1, "AAAA"))[1]["durability"] == "spooled"
        assert (await api.packet("c-1", 2, "//8=", server=1))[0] == 202
        assert (await api.complete("c-1", 2, server=1))[0] == 202
        await proxy.restore()
        await until_ready(without)
        await until_ready(with_database)
        call = await api.call("c-1")
        assert (call["state"], call["media"]) == ("COMPLETED", AUDIO)
        assert await api.packets("c-1") == {1: "AAAA", 2: "//8="}
        async with session.get(f"{without.url}/v1/spool/refusals") as answer:
            assert (await answer.json())["refusals"] == []


async def _fill_spool(api: ApiClient) -> dict[int, int]:
    """What each packet was answered, by its number; there is no room for the last."""
    statuses = {number: (await api.packet("c-1", number, "x" * 60_000))[0] for number in range(1, 60)}
    assert (statuses[1], statuses[59]) == (202, 503)
    return statuses


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="no limits can be set on another process here")
async def test_a_disk_without_room_is_no_false_2xx_and_service_returns_with_room(
    proxied: tuple[DatabaseProxy, dict[str, str]], tmp_path: Path
) -> None:
    """A limit on the size of the process's files stands in for the disk."""
    proxy, environment = proxied
    async with running(tmp_path / "a.log", "serve", "--no-worker", environment=environment) as serve:
        await proxy.cut()
        _limit_files(serve, 2 * MEGABYTE)
        async with api_of(serve) as api:
            statuses = await _fill_spool(api)
            _limit_files(serve, resource.RLIM_INFINITY)
            statuses[60] = (await api.packet("c-1", 60, "x"))[0]
            assert statuses[60] == 202
            await proxy.restore()
            await until_ready(serve)
            stored = await api.packets("c-1")
        assert set(stored) == {number for number, status in statuses.items() if status == 202}


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="no limits can be set on another process here")
async def test_a_disk_without_room_keeps_nobody_waiting_once_the_database_is_back(
    proxied: tuple[DatabaseProxy, dict[str, str]], tmp_path: Path
) -> None:
    """What is replayed cannot be taken out of the journal then; it counts as done all the same."""
    proxy, environment = proxied
    async with running(tmp_path / "a.log", "serve", "--no-worker", environment=environment) as serve:
        await proxy.cut()
        _limit_files(serve, 2 * MEGABYTE)
        async with api_of(serve) as api:
            statuses = await _fill_spool(api)
            await proxy.restore()
            await until_ready(serve)
            status, answer = await api.packet("c-1", 60, "x")
            assert (status, answer.get("durability")) == (202, None)
            stored = await api.packets("c-1")
        assert set(stored) == {60, *(number for number, status in statuses.items() if status == 202)}
        assert await serve.terminate() == 0
    assert list((tmp_path / "data" / "spool").rglob("*.sqlite3")) == [], "nothing in it was still to be done"


def _limit_files(process: RunningProcess, most_bytes: int) -> None:
    resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE, (most_bytes, resource.RLIM_INFINITY))


async def test_a_folder_that_cannot_be_written_is_one_line(
    service_environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    environment = service_environment | {"TRUNKLINE_DATA_DIR": str(tmp_path / "file")}
    status, output = await run_to_its_end("serve", environment=environment)
    assert status == 1
    assert output.strip().splitlines()[-1].startswith("trunkline: cannot keep a spool in ")
    assert "Traceback" not in output

"""All connections to the database are taken, wait or are cut: nobody is kept waiting, nothing is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import asyncpg
import pytest

from tests.databases import Databases, database_at
from tests.http.answer import Answer
from tests.http.described_client import DescribedClient
from tests.http.readiness import until_ready
from tests.http.running_service import RunningService, running_service
from tests.http.test_spool import SOON_SECONDS

CONNECTIONS = 3
TERMINATE_ALL = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'trunkline'
"""
Trouble = Callable[[RunningService, str], AbstractAsyncContextManager[None]]


@pytest.fixture(scope="module")
def service(databases: Databases) -> Iterator[RunningService]:
    with running_service(databases, database_connections=str(CONNECTIONS)) as service:
        yield service


@pytest.fixture
def url(service: RunningService, databases: Databases) -> str:
    """Of the service's database."""
    name: str = service.run(service.container.pool().fetchval("SELECT current_database()"))
    return database_at(databases.server_url, name)


@asynccontextmanager
async def all_taken(service: RunningService, url: str) -> AsyncIterator[None]:
    pool = service.container.pool()
    taken = [service.run(acquired(pool)) for _ in range(CONNECTIONS)]
    try:
        yield
    finally:
        for connection in taken:
            service.run(pool.release(connection))


async def acquired(pool: asyncpg.Pool) -> asyncpg.pool.PoolConnectionProxy:
    return await pool.acquire()


@asynccontextmanager
async def all_waiting_for_a_lock(service: RunningService, url: str) -> AsyncIterator[None]:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("BEGIN; LOCK TABLE calls IN ACCESS EXCLUSIVE MODE")
        yield
    finally:
        await connection.close()


@pytest.mark.parametrize("trouble", [all_taken, all_waiting_for_a_lock])
async def test_a_call_is_spooled_in_time_and_stored_when_connections_come_back(
    service: RunningService, client: DescribedClient, url: str, call_id: str, trouble: Trouble
) -> None:
    async with trouble(service, url):
        began = time.monotonic()
        answers = [await client.init(call_id)]
        assert time.monotonic() - began < SOON_SECONDS
        began = time.monotonic()
        answers += await many_packets(client, call_id, 10)
        answers.append(await client.complete(call_id))
        assert time.monotonic() - began < SOON_SECONDS
        assert [answer.status for answer in answers] == [201, *[202] * 11]
        assert {answer.json["durability"] for answer in answers} == {"spooled"}
    await until_ready(client)
    call = await client.call(call_id)
    assert call["state"] == "COMPLETED"
    assert [stream["received"] for stream in call["streams"]] == [10]


async def many_packets(client: DescribedClient, call_id: str, count: int) -> list[Answer]:
    """At once, more than there are connections."""
    return await asyncio.gather(*(client.packet(call_id, number) for number in range(1, count + 1)))


async def test_connections_that_are_cut_again_and_again_under_load_lose_nothing(
    service: RunningService, client: DescribedClient, url: str, call_id: str
) -> None:
    """By pg_terminate_backend, wherever each of them is; what is answered is 202, and is stored once."""
    acknowledged: dict[str, int] = {}
    enough = asyncio.Event()

    async def one_leg(leg: str) -> None:
        while not enough.is_set():
            number = acknowledged.get(leg, 0) + 1
            answer = await client.packet(leg, number, f"piece {number}")
            assert answer.status == 202, answer.body
            acknowledged[leg] = number

    sending = [asyncio.create_task(one_leg(f"{call_id}-{number}")) for number in range(8)]
    terminated = 0
    connection = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(20):
            while terminated < 20:
                terminated += len(await connection.fetch(TERMINATE_ALL))
                await asyncio.sleep(0.05)
    finally:
        enough.set()
        await connection.close()
    await asyncio.gather(*sending)
    await until_ready(client)
    for leg, through in acknowledged.items():
        page = (await client.get(f"/v1/calls/{leg}/packets?limit=1000")).json
        stored = [(packet["sequence"], packet["data"]) for packet in page["packets"]]
        assert stored == [(number, f"piece {number}") for number in range(1, through + 1)]

"""The way to the database loses exactly what it is told to lose."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import asyncpg
import pytest

from faults.database_way import DatabaseWay


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
async def way(database_url: str, told: list[str]) -> AsyncIterator[DatabaseWay]:
    async with DatabaseWay(database_url, told.append).running() as way:
        yield way


async def start_in_transaction(way: DatabaseWay, call_id: str) -> asyncpg.Connection:
    connection = await asyncpg.connect(way.url)
    await connection.execute("BEGIN")
    await connection.execute(
        "INSERT INTO calls (lane, call_id, state, encoding, metadata, started_at, version)"
        " VALUES (0, $1, 'IN_PROGRESS', 'text/plain', '{}', now(), 1)",
        call_id,
    )
    return connection


async def is_stored(database_url: str, call_id: str) -> bool:
    connection = await asyncpg.connect(database_url)
    try:
        found: bool = await connection.fetchval(
            "SELECT EXISTS (SELECT FROM calls WHERE call_id = $1)", call_id
        )
    finally:
        await connection.close()
    return found


async def test_a_commit_passes(way: DatabaseWay, database_url: str) -> None:
    connection = await start_in_transaction(way, "c-1")
    await connection.execute("COMMIT")
    await connection.close()
    assert await is_stored(database_url, "c-1")


async def test_a_commit_that_is_not_answered_is_carried_out(
    way: DatabaseWay, database_url: str, told: list[str]
) -> None:
    connection = await start_in_transaction(way, "c-1")
    way.next_commit = "is not answered"
    with pytest.raises((OSError, asyncpg.PostgresConnectionError)):
        await connection.execute("COMMIT")
    assert await is_stored(database_url, "c-1")
    assert told == ["a commit is not answered"]


async def test_a_commit_that_never_arrives_is_not_carried_out(way: DatabaseWay, database_url: str) -> None:
    connection = await start_in_transaction(way, "c-1")
    way.next_commit = "never arrives"
    with pytest.raises((OSError, asyncpg.PostgresConnectionError)):
        await connection.execute("COMMIT")
    assert not await is_stored(database_url, "c-1")


async def test_after_a_commit_that_is_met_with_silence_the_connection_stays(
    way: DatabaseWay, database_url: str
) -> None:
    connection = await start_in_transaction(way, "c-1")
    way.next_commit = "is met with silence"
    with pytest.raises(TimeoutError):
        await connection.execute("COMMIT", timeout=0.3)
    assert not connection.is_closed()
    assert await is_stored(database_url, "c-1")
    connection.terminate()


async def test_a_cut_breaks_what_is_open_and_lets_new_ones_through(way: DatabaseWay) -> None:
    connection = await asyncpg.connect(way.url)
    way.cut()
    with pytest.raises((OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError)):
        await connection.execute("SELECT 1")
    again = await asyncpg.connect(way.url)
    assert await again.fetchval("SELECT 1") == 1
    await again.close()


async def test_what_was_held_up_in_the_dark_gets_through_after_it(way: DatabaseWay) -> None:
    connection = await asyncpg.connect(way.url)
    way.go_dark()
    with pytest.raises(TimeoutError):
        await connection.execute("SELECT 1", timeout=0.2)
    way.come_back()
    again = await asyncpg.connect(way.url)
    assert await again.fetchval("SELECT 1") == 1
    await again.close()
    connection.terminate()


async def test_a_connection_is_reset_in_the_middle_of_an_answer(way: DatabaseWay, told: list[str]) -> None:
    connection = await asyncpg.connect(way.url)
    asking = asyncio.create_task(connection.fetchval("SELECT pg_sleep(0.1), repeat('x', 1000)"))
    await asyncio.sleep(0.05)  # the question has gone through
    way.reset_next(0.5)
    with pytest.raises(asyncpg.ConnectionDoesNotExistError) as lost:
        await asking
    assert isinstance(lost.value.__cause__ or lost.value.__context__, ConnectionResetError)
    (what,) = told
    at, of = (int(number) for number in re.findall(r"\d+", what))
    assert at == of // 2 > 0


async def test_whatever_is_on_a_slow_way_takes_its_time_in_each_direction(way: DatabaseWay) -> None:
    connection = await asyncpg.connect(way.url)
    loop = asyncio.get_running_loop()
    way.latency_seconds = (0.1, 0.1)
    began = loop.time()
    await connection.execute("SELECT 1")
    assert 0.2 <= loop.time() - began < 2
    way.latency_seconds = (0.0, 0.0)
    await connection.close()


async def test_an_end_is_held_up_in_the_dark_like_everything_else(
    way: DatabaseWay, database_url: str
) -> None:
    """So a session of whoever gave up lives on, with its locks, as it would behind a real black hole."""
    connection = await start_in_transaction(way, "c-1")
    session = connection.get_server_pid()
    way.go_dark()
    connection._transport.abort()  # type: ignore[attr-defined] # like a process that is killed: no last word
    await asyncio.sleep(0.2)
    assert await lives(database_url, session)
    way.come_back()
    async with asyncio.timeout(5):
        while await lives(database_url, session):  # noqa: ASYNC110 # no event tells of it
            await asyncio.sleep(0.01)


async def test_a_connection_that_is_forgotten_in_the_dark_stays_there(
    way: DatabaseWay, database_url: str
) -> None:
    connection = await start_in_transaction(way, "c-1")
    session = connection.get_server_pid()
    way.go_dark()
    way.come_back(forgotten_share=1)
    with pytest.raises(TimeoutError):
        await connection.execute("SELECT 1", timeout=0.1)
    connection.terminate()
    again = await asyncpg.connect(way.url)
    assert await again.fetchval("SELECT 1") == 1
    await again.close()
    assert await lives(database_url, session)


async def lives(database_url: str, session: int) -> bool:
    connection = await asyncpg.connect(database_url)
    try:
        found: bool = await connection.fetchval(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1)", session
        )
    finally:
        await connection.close()
    return found

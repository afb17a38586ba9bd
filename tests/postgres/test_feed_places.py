"""Places as text, and what PostgreSQL alone can get wrong about them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from adapters.jobs.job_queue import PgQueuerJobQueue
from adapters.postgres.call_changes import PostgresCallChanges
from adapters.postgres.feed_places import NoPlace, Place, Snapshot
from adapters.postgres.lanes import lane_of
from adapters.postgres.pool import connect, open_pool
from adapters.postgres.refusals import installation_id
from adapters.postgres.schema import migrate_to_latest
from adapters.postgres.unit_of_work import PostgresUnitsOfWork
from application.feed_ports import Change
from domain.call import Call
from tests.contract.storage.rich_calls import at
from tests.databases import Databases, embedded_test_server, run_apart
from tests.waiting import until_found

PLENTY = 100


@pytest.fixture
def changes(pool: asyncpg.Pool) -> PostgresCallChanges:
    return PostgresCallChanges(pool)


async def start(pool: asyncpg.Pool, *call_ids: str) -> None:
    async with PostgresUnitsOfWork(pool, PgQueuerJobQueue)() as unit:
        await unit.calls.save([Call.start(call_id, at(0)) for call_id in call_ids])
        await unit.commit()


async def told(changes: PostgresCallChanges, after: str) -> list[Change] | None:
    found = (await changes.moment(after, PLENTY, 0)).changes
    return None if found is None else list(found)


@pytest.mark.parametrize("text", ["s/10:20:", "s/10:20:12,15", "s/10:20:12/18:22:18,20/7/c-1.a:b@c_d"])
def test_a_place_comes_back_from_its_text(text: str) -> None:
    assert str(Place.parse(text)) == text


def test_what_a_place_says() -> None:
    place = Place.parse("s/10:20:12/18:22:18,20/7/c-1")
    assert place.told == Snapshot("10:20:12", 20, frozenset({12}))
    assert place.batch == Snapshot("18:22:18,20", 22, frozenset({18, 20}))
    assert place.last == (lane_of("c-1"), "c-1", 7)
    assert place.end == 22


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s",
        "s/",
        "s/10:20",
        "s/10:20:,",
        "s/10:20:x",
        "s/-1:20:",
        "s/1:2:/1:2:",
        "s/1:2:/1:2:/1",
        "s/1:2:/1:2:/x/c-1",
        "s/1:2:/1:2:/1/a b",
        "s/1:2:/1:2:/1/c-1/more",
        f"s/1:{'9' * 19}:",
        "s/1:2:" + ",".join(["1"] * 5_000),
        "s/\u0661:\u0662:",
        "s/0:0:",
        "s/0:5:",
        "s/6:5:",
        "s/3:5:2",
        "s/3:5:5",
        "s/3:9:5,4",
        "s/3:9:4,4",
        "s/1:9:/9:3:/1/c-1",
    ],
)
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(NoPlace):
        Place.parse(text)


async def test_an_empty_database_of_the_same_server_is_another_storage(
    pool: asyncpg.Pool, changes: PostgresCallChanges
) -> None:
    """As after everything was dropped and made anew."""
    await installation_id(pool)
    place = (await changes.moment(None, PLENTY, 0)).place
    assert await told(changes, place) == []
    await pool.execute("DELETE FROM installation")
    await installation_id(pool)
    assert await told(changes, place) is None


async def test_a_dump_that_is_put_back_is_another_storage(databases: Databases) -> None:
    """Into the same server, by `pg_restore --clean` or into emptied tables: the installation is back too."""
    async with databases.to_change() as url, pool_of(url) as pool:
        changes = PostgresCallChanges(pool)
        await installation_id(pool)
        place = (await changes.moment(None, PLENTY, 0)).place
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("CREATE TABLE made_anew (LIKE call_events INCLUDING ALL)")
            await connection.execute("DROP TABLE call_events")
            await connection.execute("ALTER TABLE made_anew RENAME TO call_events")
        cleaned = (await changes.moment(None, PLENTY, 0)).place
        assert await told(changes, place) is None
        await pool.execute("TRUNCATE call_events")
        assert await told(changes, cleaned) is None


async def test_a_copy_of_a_database_in_the_same_server_is_another_storage(databases: Databases) -> None:
    async with databases.to_change() as url:
        async with pool_of(url) as pool:
            await installation_id(pool)
            place = (await PostgresCallChanges(pool).moment(None, PLENTY, 0)).place
        async with databases.copy_of(url) as copy, pool_of(copy) as pool:
            assert await told(PostgresCallChanges(pool), place) is None


async def test_after_a_crash_it_is_another_storage() -> None:
    """For numbers of transactions whose log had not been written are given out again."""
    with embedded_test_server() as url:
        run_apart(_migrated(url))
        async with pool_of(url) as pool:
            await installation_id(pool)
            place = (await PostgresCallChanges(pool).moment(None, PLENTY, 0)).place
            victim = await pool.fetchval("SELECT pg_backend_pid()")
            os.kill(victim, signal.SIGKILL)  # then the server ends all others too, and recovers
            await until_found(lambda: _has_recovered(url, victim))
        async with pool_of(url) as pool:
            changes = PostgresCallChanges(pool)
            assert await told(changes, place) is None
            recovered = (await changes.moment(None, PLENTY, 0)).place
        async with pool_of(url) as pool:
            changes = PostgresCallChanges(pool)
            assert await told(changes, recovered) == []
            await pool.execute("SELECT pg_stat_reset_shared('bgwriter')")  # after a cold copy was put back
            assert await told(changes, recovered) is None


async def _migrated(url: str) -> None:
    connection = await connect(url)
    await migrate_to_latest(connection)
    await connection.close()


async def _has_recovered(url: str, victim: int) -> bool:
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (OSError, asyncpg.PostgresError):
        return False
    try:
        left = await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", victim)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    finally:
        connection.terminate()
    return bool(left == 0)


@asynccontextmanager
async def pool_of(url: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await open_pool(url, largest=2)
    try:
        yield pool
    finally:
        pool.terminate()


async def test_its_name_is_the_same_whatever_a_connection_is_set_to(
    database_url: str, pool: asyncpg.Pool, changes: PostgresCallChanges
) -> None:
    """Time zones and forms of dates are a role's or a database's, and may differ by process."""
    place = (await changes.moment(None, PLENTY, 0)).place
    elsewhere = {"TimeZone": "Asia/Kathmandu", "DateStyle": "German"}
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1, server_settings=elsewhere) as other:
        assert await told(PostgresCallChanges(other), place) == []


async def test_a_place_of_the_future_is_nowhere(pool: asyncpg.Pool, changes: PostgresCallChanges) -> None:
    """As of a database that was restored to an earlier time on the same timeline, or of a replica."""
    await start(pool, "c-1")
    place = Place.parse((await changes.moment(None, PLENTY, 0)).place)
    later = place.told.end + 1_000
    assert await told(changes, f"{place.storage}/{later}:{later}:") is None
    assert await told(changes, f"{place}/{later}:{later}:/1/c-1") is None


async def test_what_a_restored_dump_brought_is_history(
    pool: asyncpg.Pool, changes: PostgresCallChanges
) -> None:
    """Its transactions have numbers that this server has yet to give: some day they would be news."""
    await start(pool, "of-the-dump")
    await pool.execute(
        "UPDATE call_events SET transaction_id = (transaction_id::text::bigint + 5)::text::xid8"
    )
    await changes.forget_other_servers()
    await start(pool, "old")
    place = (await changes.moment(None, PLENTY, 0)).place
    for number in range(8):
        await start(pool, f"new-{number}")
    found = await told(changes, place)
    assert found is not None
    assert [change.call_id for change in found if not change.call_id.startswith("new-")] == []
    assert len(found) == 8


async def test_who_gives_up_on_a_look_gets_the_connection_out_of_the_way(
    pool: asyncpg.Pool, changes: PostgresCallChanges
) -> None:
    """A look that waits for a lock, as it does in a black hole, does not wait any longer."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("LOCK TABLE installation")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await changes.moment(None, PLENTY, 0)
    assert (await changes.moment(None, PLENTY, 0)).place

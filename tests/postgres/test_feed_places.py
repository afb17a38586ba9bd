"""Places as text, and what PostgreSQL alone can get wrong about them."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from adapters.jobs.job_queue import PgQueuerJobQueue
from adapters.postgres.call_changes import PostgresCallChanges
from adapters.postgres.feed_places import NoPlace, Place, Snapshot
from adapters.postgres.lanes import lane_of
from adapters.postgres.refusals import installation_id
from adapters.postgres.unit_of_work import PostgresUnitsOfWork
from application.feed_ports import Change
from domain.call import Call
from tests.contract.storage.rich_calls import at

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

"""A storage that is changed for another behind the same address, while a process runs."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from adapters.postgres.call_changes import PostgresCallChanges
from adapters.postgres.own_changes import OwnCallChanges
from application.feed_ports import Moment
from tests.postgres.test_feed_places import PLENTY, start
from tests.waiting import until_found

NUMBERED_ELSEWHERE = "UPDATE call_events SET transaction_id = (transaction_id::text::bigint + 5)::text::xid8"


@pytest.fixture
def changes(pool: asyncpg.Pool) -> OwnCallChanges:
    return OwnCallChanges(PostgresCallChanges(pool))


async def moment(changes: OwnCallChanges, after: str | None) -> Moment:
    return await changes.moment(after, PLENTY, 0)


async def change_the_storage(pool: asyncpg.Pool) -> None:
    """For one with an event that was numbered elsewhere, as replication brings it."""
    await pool.execute("TRUNCATE calls, call_events CASCADE")
    await start(pool, "replicated")
    await pool.execute(NUMBERED_ELSEWHERE)


async def test_what_another_server_numbered_is_never_news(
    pool: asyncpg.Pool, changes: OwnCallChanges
) -> None:
    place = (await moment(changes, None)).place
    await change_the_storage(pool)
    changed = await moment(changes, place)
    assert changed.changes is None
    for number in range(8):
        await start(pool, f"new-{number}")
    found = (await moment(changes, changed.place)).changes
    assert found is not None
    assert sorted(change.call_id for change in found) == [f"new-{number}" for number in range(8)]


async def test_what_takes_longer_than_a_look_is_done_all_the_same(
    pool: asyncpg.Pool, changes: OwnCallChanges
) -> None:
    place = (await moment(changes, None)).place
    await change_the_storage(pool)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT 1 FROM call_events FOR UPDATE")
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await moment(changes, place)

    async def is_forgotten() -> bool:
        return not await pool.fetchval("SELECT count(transaction_id) FROM call_events")

    await until_found(is_forgotten)
    assert (await moment(changes, place)).changes is None

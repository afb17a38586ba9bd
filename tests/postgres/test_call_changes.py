"""What PostgreSQL alone does to the feed: statements that nobody waits for, and what other releases wrote."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from adapters.jobs.job_queue import PgQueuerJobQueue
from adapters.postgres.call_changes import PostgresCallChanges
from adapters.postgres.call_reader import PostgresCallReader
from adapters.postgres.unit_of_work import PostgresUnitsOfWork
from application.errors import StorageUnavailable
from domain.events import CallFailed, EventOfOtherRelease
from entrypoints.http.call_views import history_entry
from tests.contract.storage import rich_calls
from tests.waiting import until_found

PLENTY = 100
SLOW = "SELECT pg_sleep(5) AS nobody_waits_for_this"
STILL_RUNS = """
    SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%nobody_waits_for_this'
"""


@pytest.fixture
def changes(pool: asyncpg.Pool) -> PostgresCallChanges:
    return PostgresCallChanges(pool)


async def test_what_a_look_gave_up_does_not_go_on_in_the_server(
    pool: asyncpg.Pool, changes: PostgresCallChanges
) -> None:
    """It does not notice that the connection is gone before it has something to answer."""

    async def look() -> None:
        async with changes._one_moment(0.4) as connection:
            await connection.fetch(SLOW)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await look()
    assert await _running(pool) == 1

    async def is_over() -> bool:
        return not await _running(pool)

    await until_found(is_over, within_seconds=2)
    with pytest.raises(StorageUnavailable):
        await look()


async def _running(pool: asyncpg.Pool) -> int:
    running: int = await pool.fetchval(STILL_RUNS)
    return running


async def test_a_limit_is_that_of_one_look(pool: asyncpg.Pool, changes: PostgresCallChanges) -> None:
    """Others who use the connection have their own."""
    limits = set()
    for _ in range(5):
        await changes.moment(None, PLENTY, 0)
        limits.add(await pool.fetchval("SHOW statement_timeout"))
    assert limits == {"0"}


async def test_what_a_newer_release_wrote_is_told_as_it_stands(
    pool: asyncpg.Pool, changes: PostgresCallChanges
) -> None:
    """Both run at once while a service is brought up to date: neither the feed nor a call's history ends."""
    begun = (await changes.moment(None, PLENTY, 0)).place
    async with PostgresUnitsOfWork(pool, PgQueuerJobQueue)() as unit:
        await unit.calls.save([rich_calls.failed("c-1")])
        await unit.commit()
    await pool.execute(
        """UPDATE call_events SET event = 'call_moved', detail = '{"to": "elsewhere"}' WHERE version = 1"""
    )
    await pool.execute(
        """UPDATE call_events SET detail = jsonb_set(detail::jsonb, '{reason}', '"NEW_REASON"')
        WHERE event = 'call_failed'"""
    )
    told = (await changes.moment(begun, PLENTY, 0)).changes
    assert told is not None
    view = await PostgresCallReader(pool).find("c-1")
    assert view is not None
    assert [change.recorded for change in told] == list(view.history)
    first, last = view.history[0], view.history[-1]
    assert first.event == EventOfOtherRelease("call_moved", {"to": "elsewhere"})
    entry = history_entry(first)
    assert (entry.version, entry.event, entry.detail) == (1, "call_moved", {"to": "elsewhere"})
    entry = history_entry(last)
    assert (entry.event, entry.detail["reason"]) == (CallFailed.name, "NEW_REASON")

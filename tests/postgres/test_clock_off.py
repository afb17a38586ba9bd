"""A database whose clock is put off for experiments, by every statement that asks it for the time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from adapters.postgres.packet_days import TODAY
from adapters.postgres.pool import connect
from adapters.postgres.schema import migrate_to_latest
from faults.postgres import PUT_CLOCK_OFF
from tests.databases import Databases

DAY_SECONDS = 86_400


@pytest.fixture
async def a_day_ahead(databases: Databases) -> AsyncIterator[asyncpg.Connection]:
    async with databases.unmigrated() as url:
        setting = await connect(url)
        name = urlsplit(url).path[1:]
        await setting.execute(PUT_CLOCK_OFF.format(name=name, ahead_seconds=DAY_SECONDS))
        await setting.close()
        connection = await connect(url)
        await migrate_to_latest(connection)
        yield connection
        await connection.close()


async def test_all_that_ask_for_the_time_are_told_another(a_day_ahead: asyncpg.Connection) -> None:
    times = "SELECT ARRAY[pg_catalog.clock_timestamp(), now(), clock_timestamp()]"
    real, now, clock = await a_day_ahead.fetchval(times)
    assert abs((now - real).total_seconds() - DAY_SECONDS) < 5
    assert abs((clock - real).total_seconds() - DAY_SECONDS) < 5
    assert await a_day_ahead.fetchval(TODAY) == clock.date()


async def test_tables_and_their_defaults_are_where_they_should_be(a_day_ahead: asyncpg.Connection) -> None:
    assert await a_day_ahead.fetchval("SELECT to_regclass('public.pgqueuer') IS NOT NULL")
    await a_day_ahead.execute("INSERT INTO pgqueuer (priority, status, entrypoint) VALUES (0, 'queued', 'x')")
    ahead = await a_day_ahead.fetchval("SELECT execute_after - pg_catalog.now() FROM pgqueuer")
    assert abs(ahead.total_seconds() - DAY_SECONDS) < 5

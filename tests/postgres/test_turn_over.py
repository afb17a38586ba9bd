"""A running process has room for packets before it listens, and drops what is too old."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from adapters.postgres.packet_days import PostgresPacketDays
from application.prepare_days import DAYS_AHEAD
from domain.call import Call
from domain.packet import Packet
from entrypoints.container import Container
from entrypoints.service import Process, Role, opened
from entrypoints.settings import read_settings
from tests.databases import Databases
from tests.waiting import until_found

OLD = date(2024, 2, 29)
OLDER = OLD - timedelta(days=1)
ROLES = [Role(api=True, worker=False, migrate=False), Role(api=False, worker=True, migrate=False)]


@pytest.fixture
async def database_url(databases: Databases) -> AsyncIterator[str]:
    async with databases.to_change() as url:
        yield url


@asynccontextmanager
async def process(url: str, role: Role, **settings: str) -> AsyncIterator[Container]:
    environment = {f"TRUNKLINE_{name.upper()}": value for name, value in settings.items()}
    read = read_settings({"TRUNKLINE_PORT": "0", **environment})
    async with opened(read, url) as container:
        running = Process(read, role, container)
        await running.start()
        try:
            yield container
        finally:
            await running.drain()


@pytest.mark.parametrize("role", ROLES, ids=["api", "worker"])
async def test_there_is_room_for_a_week_once_it_has_started(database_url: str, role: Role) -> None:
    async with process(database_url, role) as container:
        days: PostgresPacketDays = container.packet_days()
        today = await days.today()
        wanted = {today + timedelta(days=ahead) for ahead in range(DAYS_AHEAD)}  # it may be midnight
        assert wanted <= set(await days.kept())


async def store(container: Container, call: Call) -> None:
    async with container.units_of_work()() as unit:
        await unit.calls.save([call])
        await unit.packets.add([Packet(call.call_id, "main", 1, 0.0, b"sound")])
        await unit.commit()


@pytest.mark.parametrize("role", ROLES, ids=["api", "worker"])
async def test_old_days_are_dropped_and_those_that_are_needed_stay(
    database_url: str, pool: asyncpg.Pool, role: Role
) -> None:
    days = PostgresPacketDays(pool)
    await days.prepare([OLD, OLDER])
    async with process(database_url, role) as container:
        await store(container, Call.start("needed", datetime(2024, 2, 28, 12, tzinfo=UTC)))
        ended = Call.start("ended", datetime(2024, 2, 29, 12, tzinfo=UTC))
        ended.complete({}, 0, ended.started_at)
        await store(container, ended)
        await pool.execute(
            "UPDATE calls SET state = 'FAILED', runs = 1, next_run_at = NULL, failure_reason = 'ai_refused',"
            " failure_detail = '401' WHERE call_id = 'ended'"
        )
    assert {OLD, OLDER} <= set(await days.kept()), "without a retention all is kept"

    async def is_dropped() -> bool:
        return OLD not in await days.kept()

    async with process(database_url, role, audio_retention_days="30"):
        await until_found(is_dropped)
    assert OLDER in await days.kept()
    assert [row["call_id"] for row in await pool.fetch("SELECT call_id FROM packets")] == ["needed"]
    assert await pool.fetchval("SELECT count(*) FROM calls") == 2

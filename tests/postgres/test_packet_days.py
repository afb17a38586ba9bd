"""Partitions are made and dropped under the feet of those who store packets, and nobody waits or loses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from functools import partial

import asyncpg
import pytest

from adapters.jobs.job_queue import PgQueuerJobQueue
from adapters.postgres.call_reader import PostgresCallReader
from adapters.postgres.packet_days import PostgresPacketDays
from adapters.postgres.unit_of_work import PostgresUnitsOfWork
from application.errors import RoomMade, StorageUnavailable
from application.receive_packets import ReceivePackets
from domain.call import Call
from domain.delivery import DeliveryReceipt
from domain.packet import IncomingPacket, Packet
from tests.databases import Databases
from tests.deliveries import alone
from tests.waiting import until_found

OLD = date(2024, 2, 29)
OTHER = OLD + timedelta(days=1)


@pytest.fixture
async def database_url(databases: Databases) -> AsyncIterator[str]:
    """One whose tables these tests may make and drop."""
    async with databases.to_change() as url:
        yield url


@pytest.fixture
def days(pool: asyncpg.Pool) -> PostgresPacketDays:
    return PostgresPacketDays(pool)


def units_on(pool: asyncpg.Pool) -> PostgresUnitsOfWork:
    return PostgresUnitsOfWork(pool, PgQueuerJobQueue)


async def start(pool: asyncpg.Pool, call_id: str, day: date) -> None:
    async with units_on(pool)() as unit:
        await unit.calls.save([Call.start(call_id, datetime.combine(day, datetime.min.time(), UTC))])
        await unit.commit()


async def store(pool: asyncpg.Pool, call_id: str, sequence: int) -> None:
    async with units_on(pool)() as unit:
        await unit.calls.lock([call_id])
        await unit.packets.add([Packet(call_id, "main", sequence, 0.0, b"sound")])
        await unit.commit()


async def stored(pool: asyncpg.Pool, call_id: str) -> int:
    return len(await PostgresCallReader(pool).packets(call_id, None, None, 1_000))


async def has_detach_begun(pool: asyncpg.Pool) -> bool:
    return bool(await pool.fetchval("SELECT EXISTS (SELECT FROM pg_inherits WHERE inhdetachpending)"))


async def test_a_packet_of_a_call_whose_day_is_not_there_is_stored(
    pool: asyncpg.Pool, days: PostgresPacketDays
) -> None:
    """Its sender notices nothing."""
    await start(pool, "c-1", OLD)
    receive = ReceivePackets(units_on(pool))
    outcomes = await receive([alone(IncomingPacket("c-1", "main", n, 0.0, "words")) for n in (1, 2)])
    assert [type(outcome) for outcome in outcomes] == [DeliveryReceipt, DeliveryReceipt]
    assert await stored(pool, "c-1") == 2
    assert OLD in await days.kept()


async def test_processes_that_all_miss_the_same_days_make_them_once(pool: asyncpg.Pool) -> None:
    days = [OLD + timedelta(days=number) for number in range(4)]
    for number, day in enumerate(days):
        await start(pool, f"c-{number}", day)
    receive = ReceivePackets(units_on(pool))
    outcomes = await asyncio.gather(
        *(
            receive([alone(IncomingPacket(f"c-{n}", "main", sequence, 0.0, "words")) for n in range(4)])
            for sequence in range(1, 5)
        )
    )
    assert all(isinstance(outcome, DeliveryReceipt) for each in outcomes for outcome in each)
    assert [await stored(pool, f"c-{number}") for number in range(4)] == [4] * 4


async def test_where_no_room_can_be_made_the_packet_may_be_sent_again(pool: asyncpg.Pool) -> None:
    await start(pool, "c-1", OLD)
    async with pool.acquire() as someone, someone.transaction():
        await someone.execute("LOCK TABLE packets IN SHARE UPDATE EXCLUSIVE MODE")
        with pytest.raises(StorageUnavailable):
            await store(pool, "c-1", 1)
    with pytest.raises(RoomMade):
        await store(pool, "c-1", 1)
    await store(pool, "c-1", 1)
    assert await stored(pool, "c-1") == 1


async def test_a_call_over_midnight_stays_in_the_day_on_which_it_started(
    pool: asyncpg.Pool, days: PostgresPacketDays
) -> None:
    """So its numbers are unique over all of it, whenever its packets come."""
    await days.prepare([OLD, OTHER])
    await start(pool, "c-1", OLD)
    await store(pool, "c-1", 1)
    tables = await pool.fetch("SELECT DISTINCT tableoid::regclass::text AS name FROM packets")
    assert [table["name"] for table in tables] == ["packets_20240229"]


async def test_making_a_day_waits_for_no_open_insert_and_no_insert_for_it(
    pool: asyncpg.Pool, days: PostgresPacketDays
) -> None:
    await days.prepare([OLD])
    await start(pool, "c-1", OLD)
    async with asyncio.timeout(1.5), units_on(pool)() as unit:
        await unit.calls.lock(["c-1"])
        await unit.packets.add([Packet("c-1", "main", 1, 0.0, b"sound")])
        await days.prepare([OTHER])
        await unit.commit()
    await start(pool, "c-2", OLD)
    async with pool.acquire() as maker, maker.transaction():
        await maker.execute("CREATE TABLE packets_20240302 (LIKE packets INCLUDING ALL)")
        await maker.execute(
            "ALTER TABLE packets ATTACH PARTITION packets_20240302"
            " FOR VALUES FROM ('2024-03-02') TO ('2024-03-03')"
        )
        async with asyncio.timeout(1.5):
            await store(pool, "c-2", 1)


async def test_packets_are_stored_and_read_while_a_day_is_being_dropped(
    pool: asyncpg.Pool, days: PostgresPacketDays
) -> None:
    """Only the drop waits, for those who began before it."""
    await days.prepare([OLD, OTHER])
    for call_id, day in {"old": OLD, "c-1": OTHER, "c-2": OTHER}.items():
        await start(pool, call_id, day)
    await store(pool, "old", 1)
    async with units_on(pool)() as unit:
        await unit.calls.lock(["c-1"])
        await unit.packets.add([Packet("c-1", "main", 1, 0.0, b"sound")])
        dropping = asyncio.create_task(days.drop(OLD))
        await until_found(partial(has_detach_begun, pool))
        async with asyncio.timeout(2):
            await store(pool, "c-2", 1)
            assert await stored(pool, "c-2") == 1
            assert await stored(pool, "old") == 0
        assert not await days.drop(OLD), "another is at it"
        assert not dropping.done()
        await unit.commit()
    assert await dropping
    assert OLD not in await days.kept()
    assert await stored(pool, "c-1") == 1


async def test_a_drop_that_had_to_give_up_is_gone_on_with(
    pool: asyncpg.Pool, database_url: str, days: PostgresPacketDays
) -> None:
    """PostgreSQL then knows the day as leaving: nothing is stored in it, and it cannot be prepared."""
    await days.prepare([OLD, OTHER])
    await start(pool, "old", OLD)
    await start(pool, "c-1", OTHER)
    await start(pool, "c-2", OTHER)
    hasty_pool = await asyncpg.create_pool(
        database_url, min_size=1, max_size=2, server_settings={"lock_timeout": "100ms"}
    )
    async with units_on(pool)() as unit:
        await unit.calls.lock(["c-1"])
        await unit.packets.add([Packet("c-1", "main", 1, 0.0, b"sound")])
        with pytest.raises(StorageUnavailable):
            await PostgresPacketDays(hasty_pool).drop(OLD)
    await hasty_pool.close()
    assert await has_detach_begun(pool)
    with pytest.raises(StorageUnavailable):
        await store(pool, "old", 1)
    assert OLD in await days.kept()
    async with units_on(pool)() as unit:
        await unit.calls.lock(["c-1"])
        await unit.packets.add([Packet("c-1", "main", 1, 0.0, b"sound")])
        async with asyncio.timeout(2):
            assert await days.drop(OLD), "which waits for no insert any more"
            await store(pool, "c-2", 1)
        await unit.commit()
    assert OLD not in await days.kept()


async def test_a_day_that_was_detached_and_not_dropped_is_dropped(
    pool: asyncpg.Pool, days: PostgresPacketDays
) -> None:
    """A process was killed between the two."""
    await days.prepare([OLD])
    await pool.execute("ALTER TABLE packets DETACH PARTITION packets_20240229 CONCURRENTLY")
    assert OLD in await days.kept()
    assert await days.drop(OLD)
    assert OLD not in await days.kept()


async def test_there_is_no_default_partition(pool: asyncpg.Pool) -> None:
    assert await pool.fetchval(
        "SELECT partdefid = 0 FROM pg_partitioned_table WHERE partrelid = 'packets'::regclass"
    )


async def test_audio_lies_in_its_partition_as_it_is(pool: asyncpg.Pool, days: PostgresPacketDays) -> None:
    """Neither compressed nor without the constraints that the parent has."""
    await days.prepare([OLD])
    assert await pool.fetchval(
        "SELECT attstorage = 'e' FROM pg_attribute"
        " WHERE attrelid = 'packets_20240229'::regclass AND attname = 'data'"
    )
    names = await pool.fetch(
        "SELECT contype::text FROM pg_constraint WHERE conrelid = 'packets_20240229'::regclass"
        " AND contype IN ('p', 'c') AND conparentid <> 0 OR conname = 'packets_bounds'"
        " AND conrelid = 'packets_20240229'::regclass"
    )
    assert {row["contype"] for row in names} == {"p", "c"}

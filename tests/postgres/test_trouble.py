"""What the use cases are told when the database is in trouble, and that they can go on after it."""

from __future__ import annotations

import asyncio
import gc
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from urllib.parse import urlsplit

import asyncpg
import attrs
import pytest

from adapters.jobs.job_queue import PgQueuerJobQueue
from adapters.postgres.call_reader import PostgresCallReader
from adapters.postgres.health import ask_database
from adapters.postgres.pool import open_pool
from adapters.postgres.unit_of_work import PostgresUnitOfWork, PostgresUnitsOfWork
from application.errors import BatchRefused, OutcomeUnknown, StorageUnavailable
from application.ports import Wanted
from domain.analysis import Failure, FailureReason
from domain.call import Call
from domain.packet import Packet
from faults.database_way import DatabaseWay, NextCommit
from tests.databases import Databases
from tests.waiting import until

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
TERMINATED = asyncpg.AdminShutdownError.sqlstate.encode()


def units_on(pool: asyncpg.Pool) -> PostgresUnitsOfWork:
    return PostgresUnitsOfWork(pool, PgQueuerJobQueue)


@asynccontextmanager
async def pool_of_one(url: str, command_seconds: float = 10, **settings: str) -> AsyncIterator[asyncpg.Pool]:
    """If its connection were lost for good, nothing would work any more."""
    pool = await asyncpg.create_pool(
        url, min_size=1, max_size=1, command_timeout=command_seconds, timeout=5, server_settings=settings
    )
    try:
        yield pool
    finally:
        pool.terminate()


@pytest.fixture
async def way(database_url: str) -> AsyncIterator[DatabaseWay]:
    async with DatabaseWay(database_url).running() as way:
        yield way


async def start(units: PostgresUnitsOfWork, call_id: str = "c-1") -> None:
    async with units() as unit:
        await unit.calls.save([Call.start(call_id, AT)])
        await unit.commit()


async def terminate_others(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()


async def exists(pool: asyncpg.Pool, call_id: str = "c-1") -> bool:
    return await PostgresCallReader(pool).find(call_id) is not None


WRITES: dict[str, Callable[[PostgresUnitOfWork], Awaitable[object]]] = {
    "lock": lambda unit: unit.calls.lock(["c-1"]),
    "save": lambda unit: unit.calls.save([Call.start("c-2", AT)]),
    "add packets": lambda unit: unit.packets.add([Packet("c-1", "main", 1, 0.0, b"")]),
    "schedule": lambda unit: unit.jobs.schedule("c-1", 0),
    "hasten": lambda unit: unit.jobs.hasten("c-1"),
    "leave": lambda unit: asyncio.sleep(0),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
async def test_a_connection_lost_in_mid_transaction_is_storage_unavailable(
    database_url: str, write: Callable[[PostgresUnitOfWork], Awaitable[object]]
) -> None:
    """Nothing was stored, and the pool's only place is free again."""
    async with pool_of_one(database_url) as pool:
        with pytest.raises(StorageUnavailable):
            await lose_connection_before(units_on(pool), database_url, write)
        assert not await exists(pool)
        await start(units_on(pool))
        assert await exists(pool)


async def lose_connection_before(
    units: PostgresUnitsOfWork, url: str, write: Callable[[PostgresUnitOfWork], Awaitable[object]]
) -> None:
    async with units() as unit:
        await unit.calls.save([Call.start("c-1", AT)])
        await terminate_others(url)
        await write(unit)


async def test_a_connection_lost_while_it_lay_in_the_pool_costs_one_unit_at_most(database_url: str) -> None:
    async with pool_of_one(database_url) as pool:
        await start(units_on(pool))
        await terminate_others(database_url)
        with suppress(StorageUnavailable):
            await start(units_on(pool), "lost")
        await start(units_on(pool), "next")


@attrs.define(eq=False)
class WayOfAnEnd(DatabaseWay):
    """What the server says last has arrived when ``is_told`` is set; that it then left comes later."""

    is_told: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    def take_reset(self, passing: bytes) -> int | None:
        if TERMINATED in passing:
            self.latency_seconds = 0.2, 0.2
            self.is_told.set()
        return None


async def test_packets_for_a_connection_that_is_about_to_break_leave_no_loose_ends(database_url: str) -> None:
    """asyncpg's COPY would leave a future whose error nobody asks for, and the log would say so."""
    loose_ends: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, end: loose_ends.append(str(end)))
    way = WayOfAnEnd(database_url)
    async with way.running(), pool_of_one(way.url) as pool:
        async with asyncio.timeout(20):
            while not await meets_the_last_word(units_on(pool), database_url, way):
                pass
        await start_with_packet(units_on(pool), "next")
    gc.collect()
    assert not loose_ends


async def start_with_packet(units: PostgresUnitsOfWork, call_id: str) -> None:
    async with units() as unit:
        await unit.calls.save([Call.start(call_id, AT)])
        await unit.packets.add([Packet(call_id, "main", 1, 0.0, b"")])
        await unit.commit()


async def meets_the_last_word(units: PostgresUnitsOfWork, url: str, way: WayOfAnEnd) -> bool:
    """Or was too early: on a busy machine the word may come as an answer to the packets."""
    way.latency_seconds = 0.0, 0.0
    way.is_told.clear()
    call_id = f"c-{uuid.uuid4()}"
    await start_with_packet(units, call_id)  # COPY's description is cached now, so that nothing precedes it
    with pytest.raises(StorageUnavailable) as unavailable:
        await add_packet_after_the_last_word(units, call_id, url, way)
    return isinstance(unavailable.value.__cause__, asyncpg.InternalClientError)


async def add_packet_after_the_last_word(
    units: PostgresUnitsOfWork, call_id: str, url: str, way: WayOfAnEnd
) -> None:
    async with units() as unit:
        await unit.calls.lock([call_id])
        await terminate_others(url)
        await way.is_told.wait()
        await asyncio.sleep(0)  # the turn in which it is read
        await unit.packets.add([Packet(call_id, "main", 2, 0.02, b"")])


async def test_a_cancelled_unit_is_cancelled_though_the_database_is_gone(database_url: str) -> None:
    """Trouble with the rollback must not turn a cancellation into an error that is tried again."""
    async with pool_of_one(database_url) as pool:
        with pytest.raises(asyncio.CancelledError):
            await lose_connection_before(units_on(pool), database_url, cancelled)
        await start(units_on(pool))


async def test_a_unit_that_is_given_up_in_a_black_hole_ends_at_once(way: DatabaseWay) -> None:
    """To wait for the answer to a ROLLBACK would hold up whoever gave up on the database."""
    async with pool_of_one(way.url) as pool:
        began = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError):
            await give_up_in_a_black_hole(units_on(pool), way)
        assert asyncio.get_running_loop().time() - began < 2
        way.come_back()
        await start(units_on(pool))
        assert await exists(pool)


async def give_up_in_a_black_hole(units: PostgresUnitsOfWork, way: DatabaseWay) -> None:
    async with asyncio.timeout(0.5), units() as unit:
        await unit.calls.lock(["c-1"])
        way.go_dark()
        await unit.calls.lock(["c-1"])


async def cancelled(unit: PostgresUnitOfWork) -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize(("next_commit", "is_stored"), [("never arrives", False), ("is not answered", True)])
async def test_the_outcome_of_a_commit_that_is_cut_is_unknown(
    way: DatabaseWay, next_commit: NextCommit, is_stored: bool
) -> None:
    """It looks the same from here, whether the server had made it durable or not."""
    async with pool_of_one(way.url) as pool:
        way.next_commit = next_commit
        with pytest.raises(OutcomeUnknown):
            await start(units_on(pool))
        assert await exists(pool) is is_stored
        await start(units_on(pool), "next")


async def test_the_outcome_of_a_commit_that_is_not_answered_is_unknown(way: DatabaseWay) -> None:
    """The statement's time limit ends the wait, and the pool's only place is not lost."""
    async with pool_of_one(way.url, command_seconds=0.3) as pool:
        way.next_commit = "is met with silence"
        with pytest.raises(OutcomeUnknown):
            await start(units_on(pool))
        assert await exists(pool)
        await start(units_on(pool), "next")


async def test_a_commit_that_is_cancelled_gives_its_connection_back(way: DatabaseWay) -> None:
    async with pool_of_one(way.url) as pool:
        way.next_commit = "is met with silence"
        work = asyncio.create_task(start(units_on(pool)))
        await until(lambda: way.next_commit == "passes")
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        async with asyncio.timeout(5):
            await start(units_on(pool), "next")


async def test_a_silent_database_is_storage_unavailable(way: DatabaseWay) -> None:
    """For writing and for reading; and when it speaks again, all works."""
    async with pool_of_one(way.url, command_seconds=0.2) as pool:
        await start(units_on(pool))
        way.go_dark()
        with pytest.raises(StorageUnavailable):
            await start(units_on(pool), "c-2")
        way.come_back()
        assert await exists(pool)
        way.go_dark()
        with pytest.raises(StorageUnavailable):
            await exists(pool)
        way.come_back()
        assert not await exists(pool, "c-2")


async def test_reading_from_a_lost_database_is_storage_unavailable(database_url: str) -> None:
    async with pool_of_one(database_url) as pool:
        pool.terminate()
        reader = PostgresCallReader(pool)
        for reading in (
            reader.find("c-1"),
            reader.newest(Wanted(), None, 1),
            reader.packets("c-1", None, None, 1),
            reader.packet_runs("c-1", "main"),
            reader.backlog(),
            ask_database(pool),
        ):
            with pytest.raises(StorageUnavailable):
                await reading


async def test_a_lock_that_is_not_given_in_time_is_storage_unavailable(database_url: str) -> None:
    async with (
        pool_of_one(database_url) as patient,
        pool_of_one(database_url, lock_timeout="50ms") as hasty,
    ):
        await start(units_on(patient))
        async with units_on(patient)() as unit:
            await unit.calls.lock(["c-1"])
            with pytest.raises(StorageUnavailable):
                await lock(units_on(hasty))
        await lock(units_on(hasty))


async def lock(units: PostgresUnitsOfWork) -> None:
    async with units() as unit:
        await unit.calls.lock(["c-1"])


def with_a_nul_character() -> Call:
    """No rule of the domain made it; it stands for whatever one may forget."""
    call = Call.start("c-1", AT)
    call.complete({}, 0, AT)
    call.fail(call.begin_run(AT), Failure(FailureReason.AI_REFUSED, "a NUL: \0"), AT)
    return call


def with_a_version_that_is_too_large() -> Call:
    call = Call.start("c-1", AT)
    call.version = 2**40
    return call


@pytest.mark.parametrize("made", [with_a_nul_character, with_a_version_that_is_too_large])
async def test_a_value_that_the_database_refuses_is_batch_refused(
    database_url: str, made: Callable[[], Call]
) -> None:
    """So the group commit can look for the culprit, and nobody tries again for ever."""
    async with pool_of_one(database_url) as pool:
        with pytest.raises(BatchRefused):
            await save(units_on(pool), made())
        assert not await exists(pool)
        await start(units_on(pool))


async def save(units: PostgresUnitsOfWork, call: Call) -> None:
    async with units() as unit:
        await unit.calls.save([call])
        await unit.commit()


async def test_a_commit_is_durable_before_it_is_acknowledged(databases: Databases) -> None:
    """Whatever the server's own default is, and still when a connection is lent out again."""
    async with databases.empty() as url:
        name = urlsplit(url).path[1:]
        await execute(url, f"ALTER DATABASE {name} SET synchronous_commit = off")
        pool = await open_pool(url, largest=1)
        try:
            for _ in range(2):
                async with pool.acquire() as connection:
                    assert await connection.fetchval("SHOW synchronous_commit") == "on"
        finally:
            await pool.close()
            await execute(url, f"ALTER DATABASE {name} RESET synchronous_commit")


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()

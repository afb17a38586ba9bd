"""What changes with every batch touches no index, so PostgreSQL updates it in place and nothing bloats."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from adapters.jobs.job_queue import PgQueuerJobQueue
from adapters.postgres.pool import open_pool
from adapters.postgres.unit_of_work import PostgresUnitsOfWork
from application.receive_packets import ReceivePackets
from domain.analysis import Transcript
from domain.delivery import DeliveryReceipt
from domain.packet import IncomingPacket
from tests.deliveries import alone

CALLS = 20
BATCHES = 60
PARTS = 100
WHOLLY = 0.95
"""A row that has no room left on its page moves to another, now and then."""


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    """Of one connection, which can be told to report what it did."""
    pool = await open_pool(database_url, largest=1)
    try:
        yield pool
    finally:
        await pool.close()


def units_on(pool: asyncpg.Pool) -> PostgresUnitsOfWork:
    return PostgresUnitsOfWork(pool, PgQueuerJobQueue)


async def updates(pool: asyncpg.Pool, table: str) -> tuple[int, int]:
    """All, and those in place."""
    await pool.execute("SELECT pg_stat_force_next_flush()")
    row = await pool.fetchrow(
        "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = $1", table
    )
    assert row is not None
    return row["n_tup_upd"], row["n_tup_hot_upd"]


async def test_streams_are_updated_in_place(pool: asyncpg.Pool) -> None:
    receive = ReceivePackets(units_on(pool))
    before = await updates(pool, "streams")
    for sequence in range(1, BATCHES + 1):
        gap = 2 * sequence  # so that what is received grows, as it does where packets are lost
        outcomes = await receive(
            [alone(IncomingPacket(f"c-{call}", "main", gap, 0.0, "words")) for call in range(CALLS)]
        )
        assert all(isinstance(outcome, DeliveryReceipt) for outcome in outcomes)
    after = await updates(pool, "streams")
    all_of_them, in_place = after[0] - before[0], after[1] - before[1]
    assert all_of_them == CALLS * (BATCHES - 1)
    assert in_place >= WHOLLY * all_of_them


async def test_what_comes_again_updates_its_own_stream_alone_and_in_place(pool: asyncpg.Pool) -> None:
    receive = ReceivePackets(units_on(pool))
    again = [alone(IncomingPacket(f"c-{call}", "main", 1, 0.0, "words")) for call in range(CALLS)]
    others = [alone(IncomingPacket(f"c-{call}", "agent", 1, 0.0, "words")) for call in range(CALLS)]
    await receive([*again, *others])
    before = await updates(pool, "streams")
    for _ in range(BATCHES):
        await receive(again)
    after = await updates(pool, "streams")
    assert after[0] - before[0] == CALLS * BATCHES
    assert after[1] - before[1] >= WHOLLY * CALLS * BATCHES


async def test_what_is_replayed_and_was_there_updates_nothing(pool: asyncpg.Pool) -> None:
    replay = ReceivePackets(units_on(pool), is_replay=True)
    entries = [alone(IncomingPacket("c-1", "main", sequence, 0.0, "words")) for sequence in (1, 2)]
    await replay(entries)
    before = await updates(pool, "streams")
    await replay(entries)
    assert await updates(pool, "streams") == before


async def test_packets_of_a_call_leave_its_own_row_alone(pool: asyncpg.Pool) -> None:
    receive = ReceivePackets(units_on(pool))
    before = await updates(pool, "calls")
    for sequence in range(1, BATCHES + 1):
        await receive([alone(IncomingPacket("c-1", "main", sequence, 0.0, "words"))])
    assert await updates(pool, "calls") == before


async def test_a_calls_steps_within_a_run_are_updated_in_place(pool: asyncpg.Pool) -> None:
    """But for a change of its state, by which calls are found."""
    units = units_on(pool)
    await ReceivePackets(units)([alone(IncomingPacket("c-1", "main", 1, 0.0, "words"))])
    async with units() as unit:
        call = (await unit.calls.lock(["c-1"]))["c-1"]
        call.complete({}, 0, unit.now)
        run = call.begin_run(unit.now)
        await unit.calls.save([call])
        await unit.commit()
    before = await updates(pool, "calls")
    for part in range(PARTS):
        async with units() as unit:
            call = (await unit.calls.lock(["c-1"]))["c-1"]
            call.save_partial_transcript(run, f"main/0/{part}", Transcript("A sentence or two."))
            await unit.calls.save([call])
            await unit.commit()
    after = await updates(pool, "calls")
    assert after[0] - before[0] == PARTS
    assert after[1] - before[1] >= WHOLLY * PARTS

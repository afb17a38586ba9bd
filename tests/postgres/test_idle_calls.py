"""Processes that look for idle calls at the same time, on a real database."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from adapters.jobs.job_queue import PgQueuerJobQueue
from adapters.postgres.call_reader import PostgresCallReader
from adapters.postgres.unit_of_work import PostgresUnitsOfWork
from application.complete_call import CompleteCall
from application.complete_idle_calls import CompleteIdleCalls
from application.ports import Wanted
from application.receive_packets import ReceivePackets
from application.start_call import StartCall
from domain.call_state import CallState
from domain.delivery import DeliveryReceipt
from domain.events import CallCompleted, CompletionReason
from domain.packet import IncomingPacket
from tests.deliveries import alone
from tests.waiting import until_found

IDLE_SECONDS = 1.0
CALLS = [f"c-{number}" for number in range(20)]
WAITING_FOR_A_LOCK = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture
def units(pool: asyncpg.Pool) -> PostgresUnitsOfWork:
    return PostgresUnitsOfWork(pool, PgQueuerJobQueue)


async def start_calls(units: PostgresUnitsOfWork) -> None:
    """Half of them announced, half begun by a packet."""
    start, receive = StartCall(units), ReceivePackets(units)
    for call_id in CALLS[::2]:
        await start(call_id, None, None)
    await receive([alone(IncomingPacket(call_id, "main", 1, 1.0, "hello")) for call_id in CALLS[1::2]])


async def look_until_stopped(complete: CompleteIdleCalls, stop: asyncio.Event) -> int:
    completed = 0
    while not stop.is_set():
        completed += await complete()
        await asyncio.sleep(IDLE_SECONDS / 20)
    return completed


async def test_each_idle_call_is_completed_once_though_all_processes_found_it(
    pool: asyncpg.Pool, units: PostgresUnitsOfWork
) -> None:
    """Someone holds the first call until both wait for it, each with all of the calls in its hands."""
    await start_calls(units)
    stop = asyncio.Event()
    async with units() as unit:
        await unit.calls.lock(CALLS[:1])
        processes = [
            asyncio.create_task(look_until_stopped(CompleteIdleCalls(units, IDLE_SECONDS), stop))
            for _ in range(2)
        ]

        async def both_wait() -> bool:
            return int(await pool.fetchval(WAITING_FOR_A_LOCK)) == 2

        await until_found(both_wait)
    reader = PostgresCallReader(pool)

    async def all_are_completed() -> bool:
        return not await reader.newest(Wanted(CallState.IN_PROGRESS), None, 1)

    await until_found(all_are_completed)
    stop.set()
    assert sum(await asyncio.gather(*processes)) == len(CALLS)
    for call_id in CALLS:
        found = await reader.find(call_id)
        assert found is not None
        assert [recorded.event.name for recorded in found.history] == ["call_started", "call_completed"]
        assert found.history[-1].event == CallCompleted(CompletionReason.IDLE)
        assert found.call.next_run_at == found.call.completed_at
    jobs = await pool.fetch("SELECT payload FROM pgqueuer WHERE execute_after <= now()")
    assert sorted(job["payload"].decode() for job in jobs) == sorted(CALLS)


async def test_a_call_that_is_heard_again_and_again_goes_on(units: PostgresUnitsOfWork) -> None:
    """Through several times the idle time, while a silent one beside it is completed."""
    receive, complete = ReceivePackets(units), CompleteIdleCalls(units, IDLE_SECONDS)
    await start_calls(units)
    completed, sequence = 0, 0
    async with asyncio.timeout(20):
        while completed < len(CALLS) or sequence < 100:
            sequence += 1
            (outcome,) = await receive([alone(IncomingPacket("live", "main", sequence, 1.0, "hello"))])
            assert isinstance(outcome, DeliveryReceipt)
            completed += await complete()
            await asyncio.sleep(IDLE_SECONDS / 40)
    assert completed == len(CALLS)
    async with units() as unit:
        assert (await unit.calls.lock(["live"]))["live"].state is CallState.IN_PROGRESS


async def test_completions_of_earlier_releases_were_requested(
    pool: asyncpg.Pool, units: PostgresUnitsOfWork
) -> None:
    """Their events have no reason."""
    await StartCall(units)("c-1", None, None)
    await CompleteCall(units, 2)("c-1", {})
    await pool.execute("UPDATE call_events SET detail = '{}' WHERE event = 'call_completed'")
    found = await PostgresCallReader(pool).find("c-1")
    assert found is not None
    assert found.history[-1].event == CallCompleted(CompletionReason.REQUESTED)

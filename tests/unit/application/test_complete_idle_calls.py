"""Calls whose end never comes are completed, once, and only by who was there to hear it."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from application.complete_idle_calls import CompleteIdleCalls
from application.errors import StorageUnavailable
from domain.call import Call
from domain.call_state import CallState
from domain.events import CallCompleted, CompletionReason
from domain.packet import IncomingPacket
from tests.deliveries import receive
from tests.fakes.storage import InMemoryStorage, Job
from tests.fakes.unit_of_work import FakeUnitsOfWork

IDLE_SECONDS = 300.0


@pytest.fixture
def complete_idle_calls(units: FakeUnitsOfWork) -> CompleteIdleCalls:
    return CompleteIdleCalls(units, IDLE_SECONDS)


async def listen(complete: CompleteIdleCalls, storage: InMemoryStorage, seconds: float) -> int:
    """Look every 30 s, and at the end; how many were completed."""
    completed = await complete()
    while seconds > 0:
        storage.clock.advance(min(30, seconds))
        seconds -= 30
        completed += await complete()
    return completed


def live(storage: InMemoryStorage, call_id: str, last_packet_at: datetime | None = None) -> None:
    call = Call.start(call_id, storage.clock.now)
    if last_packet_at is not None:
        receive(call, IncomingPacket(call_id, "main", 1, 1.0, "hello"), None, last_packet_at)
    storage.put(call)


async def test_silent_calls_are_completed_each_with_its_job_in_one_commit(
    complete_idle_calls: CompleteIdleCalls, storage: InMemoryStorage
) -> None:
    live(storage, "silent", storage.clock.now)
    live(storage, "announced")
    assert await listen(complete_idle_calls, storage, IDLE_SECONDS) == 2
    assert storage.jobs == {"announced": Job(storage.clock.now), "silent": Job(storage.clock.now)}
    assert storage.commits == 2
    for call_id in ("silent", "announced"):
        assert storage.call(call_id).state is CallState.COMPLETED
        assert storage.events[call_id][-1].event == CallCompleted(CompletionReason.IDLE)


async def test_a_call_that_is_heard_goes_on(
    complete_idle_calls: CompleteIdleCalls, storage: InMemoryStorage
) -> None:
    assert await listen(complete_idle_calls, storage, IDLE_SECONDS) == 0
    live(storage, "c-1", storage.clock.now)
    assert await listen(complete_idle_calls, storage, IDLE_SECONDS - 1) == 0
    assert storage.call("c-1").state is CallState.IN_PROGRESS
    assert await listen(complete_idle_calls, storage, 1) == 1


async def test_who_has_just_begun_takes_no_silence_for_an_end(
    complete_idle_calls: CompleteIdleCalls, storage: InMemoryStorage
) -> None:
    """Nobody may have been there to take the packets."""
    live(storage, "c-1")
    storage.clock.advance(10_000)
    assert await listen(complete_idle_calls, storage, IDLE_SECONDS - 1) == 0
    assert await listen(complete_idle_calls, storage, 1) == 1


async def test_nor_does_who_could_not_store_them(
    complete_idle_calls: CompleteIdleCalls, storage: InMemoryStorage
) -> None:
    await listen(complete_idle_calls, storage, IDLE_SECONDS)
    live(storage, "c-1")
    storage.clock.advance(30)
    storage.fail_next("begin", StorageUnavailable())
    with pytest.raises(StorageUnavailable):
        await complete_idle_calls()
    storage.clock.advance(IDLE_SECONDS - 30)
    assert await listen(complete_idle_calls, storage, IDLE_SECONDS - 1) == 0
    assert await listen(complete_idle_calls, storage, 1) == 1


async def test_nor_does_who_was_frozen(
    complete_idle_calls: CompleteIdleCalls, storage: InMemoryStorage
) -> None:
    await listen(complete_idle_calls, storage, IDLE_SECONDS)
    live(storage, "c-1")
    storage.clock.advance(IDLE_SECONDS + 1)
    assert await complete_idle_calls() == 0
    assert storage.call("c-1").state is CallState.IN_PROGRESS


async def test_of_several_processes_one_completes_a_call(
    units: FakeUnitsOfWork, storage: InMemoryStorage
) -> None:
    live(storage, "c-1")
    processes = [CompleteIdleCalls(units, IDLE_SECONDS) for _ in range(3)]
    completed = await asyncio.gather(*(process() for process in processes))
    for _ in range(10):
        storage.clock.advance(30)
        completed = await asyncio.gather(*(process() for process in processes))
    assert sorted(completed) == [0, 0, 1]
    assert storage.event_names("c-1") == ["call_started", "call_completed"]
    assert set(storage.jobs) == {"c-1"}


async def test_a_packet_that_comes_between_the_finding_and_the_lock_keeps_the_call_going(
    complete_idle_calls: CompleteIdleCalls, storage: InMemoryStorage
) -> None:
    live(storage, "c-1")
    await listen(complete_idle_calls, storage, IDLE_SECONDS - 1)
    storage.clock.advance(1)
    async with storage.locks["c-1"]:
        looking = asyncio.create_task(complete_idle_calls())
        await asyncio.wait({looking}, timeout=0.05)
        live(storage, "c-1", storage.clock.now)
    assert await looking == 0
    assert storage.call("c-1").state is CallState.IN_PROGRESS
    assert storage.jobs == {}


async def test_where_the_commit_fails_there_is_neither_state_nor_job(
    complete_idle_calls: CompleteIdleCalls, storage: InMemoryStorage
) -> None:
    live(storage, "c-1")
    await listen(complete_idle_calls, storage, IDLE_SECONDS - 1)
    storage.clock.advance(1)
    storage.fail_next("commit", StorageUnavailable())
    with pytest.raises(StorageUnavailable):
        await complete_idle_calls()
    assert storage.call("c-1").state is CallState.IN_PROGRESS
    assert storage.jobs == {}

"""The promise of application.unit_of_work.UnitOfWork, held against PostgreSQL and the fake."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from application.errors import BatchRefused, CallStartedElsewhere, TryAgain
from application.unit_of_work import UnitOfWork, refuse_inside_unit_of_work
from domain.call import Call
from tests.contract.storage.arranged import (
    StorageArrangement,
    add_packets,
    change,
    fail_in_unit,
    load,
    packet,
    save,
    view,
)
from tests.contract.storage.rich_calls import at


async def write_everything(unit: UnitOfWork) -> None:
    call = Call.start("c-1", at(0))
    call.complete({}, 2, at(1))
    await unit.calls.save([call])
    await unit.packets.add([packet(1)])
    await unit.jobs.schedule("c-1", 2)


async def assert_nothing_is_stored(storage: StorageArrangement) -> None:
    assert await storage.reader.find("c-1") is None
    assert list(await storage.reader.packets("c-1", None, None, 10)) == []
    assert await storage.jobs() == {}


async def test_what_is_committed_is_there_all_of_it(storage: StorageArrangement) -> None:
    async with storage.units() as unit:
        await write_everything(unit)
        await unit.commit()
    found = await view(storage, "c-1")
    assert found.call.version == 2
    assert len(found.history) == 2
    assert len(await storage.reader.packets("c-1", None, None, 10)) == 1
    assert set(await storage.jobs()) == {"c-1"}


async def test_without_commit_nothing_is_there(storage: StorageArrangement) -> None:
    async with storage.units() as unit:
        await write_everything(unit)
    await assert_nothing_is_stored(storage)


@pytest.mark.parametrize("error", [ZeroDivisionError, asyncio.CancelledError])
async def test_an_error_rolls_back_and_goes_on_as_it_is(
    storage: StorageArrangement, error: type[BaseException]
) -> None:
    with pytest.raises(error):
        await fail_in_unit(storage, error(), write_everything)
    await assert_nothing_is_stored(storage)


async def test_nobody_sees_what_is_not_committed_yet(storage: StorageArrangement) -> None:
    async with storage.units() as unit:
        await write_everything(unit)
        await assert_nothing_is_stored(storage)
        async with storage.units() as other:
            assert await other.calls.lock(["c-1"]) == {}
        await unit.commit()
    assert await storage.reader.find("c-1") is not None


async def test_a_unit_sees_its_own_changes(storage: StorageArrangement) -> None:
    async with storage.units() as unit:
        await write_everything(unit)
        assert (await unit.calls.lock(["c-1"]))["c-1"].version == 2
        assert await unit.packets.data_of([packet(1).key]) == {packet(1).key: b"sound"}


async def test_a_loaded_call_is_a_copy(storage: StorageArrangement) -> None:
    """What happens to it and is not saved never happened."""
    await save(storage, Call.start("c-1", at(0)))
    async with storage.units() as unit:
        (await unit.calls.lock(["c-1"]))["c-1"].complete({}, 2, at(1))
        await unit.commit()
    assert (await load(storage, "c-1")).version == 1


async def test_a_unit_whose_statement_was_refused_cannot_be_committed(storage: StorageArrangement) -> None:
    """A use case that overlooked the error must not be told that its work is durable."""
    await add_packets(storage, packet(1))
    async with storage.units() as unit:
        (await unit.calls.lock(["c-1"]))["c-1"].complete({}, 2, at(1))
        await unit.jobs.schedule("c-1", 2)
        with pytest.raises(BatchRefused):
            await unit.packets.add([packet(1)])
        with pytest.raises(TryAgain):
            await unit.commit()
    assert await storage.jobs() == {}


async def test_a_unit_that_lost_a_race_leaves_nothing(storage: StorageArrangement) -> None:
    await save(storage, Call.start("c-1", at(0)))
    async with storage.units() as unit:
        await unit.calls.save([Call.start("c-0", at(0))])
        with pytest.raises(CallStartedElsewhere):
            await unit.calls.save([Call.start("c-1", at(0))])
    assert await storage.reader.find("c-0") is None


async def test_units_begin_again_after_one_failed(storage: StorageArrangement) -> None:
    for _ in range(15):  # more than a pool has connections
        with pytest.raises(ZeroDivisionError):
            await fail_in_unit(storage, ZeroDivisionError(), write_everything)
    await save(storage, Call.start("c-1", at(0)))


async def test_time_is_aware_and_not_before_the_lock_was_given(storage: StorageArrangement) -> None:
    """So the events of a call are in the order of their times, whoever waited for whom."""
    await save(storage, Call.start("c-1", at(0)))
    times = []

    async def note() -> None:
        async with storage.units() as unit:
            await unit.calls.lock(["c-1"])
            times.append(unit.now)
            await asyncio.sleep(0.01)
            await unit.commit()

    await asyncio.gather(*(note() for _ in range(5)))
    assert times == sorted(times)
    assert all(time.utcoffset() == timedelta(0) for time in times)


async def test_calling_out_inside_a_unit_is_refused_and_allowed_after_it(storage: StorageArrangement) -> None:
    async with storage.units():
        with pytest.raises(RuntimeError):
            refuse_inside_unit_of_work("asking the AI")
    refuse_inside_unit_of_work("asking the AI")
    with pytest.raises(ZeroDivisionError):
        await fail_in_unit(storage, ZeroDivisionError(), write_everything)
    refuse_inside_unit_of_work("asking the AI")


async def test_a_waiter_that_is_cancelled_harms_nobody(storage: StorageArrangement) -> None:
    """It gives up its place, and the call can be locked as before."""
    await save(storage, Call.start("c-1", at(0)))
    async with storage.units() as unit:
        await unit.calls.lock(["c-1"])
        waiter = asyncio.create_task(change(storage, "c-1", lambda call: call.begin_run(at(1))))
        await asyncio.wait({waiter}, timeout=0.05)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
    await change(storage, "c-1", lambda call: call.complete({}, 2, at(2)))
    assert (await load(storage, "c-1")).version == 2

"""The promise of application.ports.JobQueue, held against PgQueuer and the fake."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from domain.call import Call
from domain.call_state import AWAITING_AI, CallState
from tests.contract.storage import rich_calls
from tests.contract.storage.arranged import StorageArrangement, save
from tests.contract.storage.rich_calls import at


async def schedule(storage: StorageArrangement, call_id: str, in_seconds: float) -> datetime:
    async with storage.units() as unit:
        await unit.calls.lock([call_id])
        await unit.jobs.schedule(call_id, in_seconds)
        await unit.commit()
        return unit.now


async def hasten(storage: StorageArrangement, call_id: str) -> datetime:
    async with storage.units() as unit:
        await unit.calls.lock([call_id])
        await unit.jobs.hasten(call_id)
        await unit.commit()
        return unit.now


def about(moment: datetime) -> object:
    return pytest.approx(moment, abs=timedelta(seconds=2))


@pytest.mark.parametrize("in_seconds", [0, 0.5, 43_200])
async def test_a_scheduled_call_has_one_waiting_job_due_then(
    storage: StorageArrangement, in_seconds: float
) -> None:
    now = await schedule(storage, "c-1", in_seconds)
    jobs = await storage.jobs()
    assert list(jobs) == ["c-1"]
    assert jobs["c-1"].due == about(now + timedelta(seconds=in_seconds))
    assert not jobs["c-1"].is_picked


async def test_scheduling_again_leaves_the_job_as_it_is(storage: StorageArrangement) -> None:
    """Waiting or running; and it spoils nothing of the transaction."""
    await schedule(storage, "c-1", 100)
    before = (await storage.jobs())["c-1"].due
    await schedule(storage, "c-1", 0)
    assert (await storage.jobs())["c-1"].due == before
    await storage.pick_job("c-1")
    async with storage.units() as unit:
        await unit.jobs.schedule("c-1", 0)
        await unit.calls.save([Call.start("c-1", at(0))])
        await unit.commit()
    jobs = await storage.jobs()
    assert (list(jobs), jobs["c-1"].due, jobs["c-1"].is_picked) == (["c-1"], before, True)
    assert await storage.reader.find("c-1") is not None


async def test_scheduling_takes_part_in_the_transaction(storage: StorageArrangement) -> None:
    async with storage.units() as unit:
        await unit.jobs.schedule("c-1", 0)
        await unit.jobs.schedule("c-1", 5)
    assert await storage.jobs() == {}


async def test_hastening_takes_part_in_the_transaction(storage: StorageArrangement) -> None:
    await schedule(storage, "c-1", 100)
    before = (await storage.jobs())["c-1"].due
    async with storage.units() as unit:
        await unit.jobs.hasten("c-1")
    assert (await storage.jobs())["c-1"].due == before


async def test_units_that_schedule_the_same_call_at_once_make_one_job(storage: StorageArrangement) -> None:
    await asyncio.gather(*(schedule(storage, "c-1", 3) for _ in range(8)))
    assert list(await storage.jobs()) == ["c-1"]


async def test_hastening_makes_a_waiting_job_due_now(storage: StorageArrangement) -> None:
    await schedule(storage, "c-1", 100)
    await schedule(storage, "c-2", 100)
    now = await hasten(storage, "c-1")
    jobs = await storage.jobs()
    assert jobs["c-1"].due == about(now)
    assert jobs["c-2"].due == about(now + timedelta(seconds=100))


async def test_hastening_leaves_a_running_job_an_overdue_one_and_none(storage: StorageArrangement) -> None:
    await schedule(storage, "running", 100)
    await storage.pick_job("running")
    await schedule(storage, "overdue", 0)
    await storage.make_job_older("overdue", 50)
    before = {call_id: job.due for call_id, job in (await storage.jobs()).items()}
    for call_id in ("running", "overdue", "no-job"):
        await hasten(storage, call_id)
    assert {call_id: job.due for call_id, job in (await storage.jobs()).items()} == before


async def test_calls_without_a_job_are_found_with_their_due_times(storage: StorageArrangement) -> None:
    """A job counts whether it waits or runs; other states do not."""
    await save(
        storage,
        rich_calls.completed("no-job"),
        rich_calls.in_first_run("running-without-job"),
        rich_calls.completed("waiting"),
        rich_calls.postponed("picked"),
        rich_calls.in_progress("going-on"),
        rich_calls.archived("done"),
        rich_calls.failed("failed"),
    )
    await schedule(storage, "waiting", 9)
    await schedule(storage, "picked", 0)
    await storage.pick_job("picked")
    async with storage.units() as unit:
        jobless = await unit.jobs.calls_without_job(AWAITING_AI, 10)
        assert jobless.keys() == {"no-job", "running-without-job"}
        assert jobless["no-job"] >= 0
        assert jobless["running-without-job"] == 0
        assert set(await unit.jobs.calls_without_job([CallState.FAILED], 10)) == {"failed"}
        assert len(await unit.jobs.calls_without_job(AWAITING_AI, 1)) == 1
        await unit.jobs.schedule("no-job", 0)
        assert set(await unit.jobs.calls_without_job(AWAITING_AI, 10)) == {"running-without-job"}

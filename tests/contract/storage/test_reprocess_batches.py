"""The promise of application.reprocess_ports, held against PostgreSQL and the fake; and its use."""

from __future__ import annotations

import asyncio

import attrs
import pytest

from application.errors import UnknownBatch
from application.reprocess_call import ReprocessCall
from application.reprocess_many import ReprocessMany
from application.reprocess_ports import BatchItem, BatchProgress, Outcome
from domain.analysis import Failure, FailureReason
from domain.call import Call
from domain.call_state import CallState
from tests.contract.storage import rich_calls
from tests.contract.storage.arranged import StorageArrangement, change, load, move_on, save, view
from tests.contract.storage.rich_calls import at
from tests.waiting import until_found

FAST = 1_000.0
LEASE_SECONDS = 60.0
FAILURE = Failure(FailureReason.AI_REFUSED, "401")


def many(storage: StorageArrangement) -> ReprocessMany:
    return ReprocessMany(storage.batches, ReprocessCall(storage.units), storage.reader)


def ids(items: object) -> list[str]:
    assert isinstance(items, list)
    return [item.call_id for item in items]


async def test_the_calls_of_a_batch_are_taken_once_each_in_turn(storage: StorageArrangement) -> None:
    """No faster than its rate: a fifth of a second's at a time."""
    assert await storage.batches.take(LEASE_SECONDS) is None
    batch_id, total = await storage.batches.add(["a", "b", "a", "c"], 5.0)
    assert total == 3
    first = await storage.batches.take(LEASE_SECONDS)
    assert ids(first) == ["a"]
    assert await storage.batches.take(LEASE_SECONDS) == [], "its next turn is a fifth of a second later"
    assert await storage.batches.progress(batch_id) == BatchProgress(3, 0, 0)


async def test_what_one_process_is_at_is_no_others(storage: StorageArrangement) -> None:
    await storage.batches.add(["a", "b"], FAST)
    assert ids(await storage.batches.take(LEASE_SECONDS)) == ["a", "b"]
    for _ in range(3):
        move_on(storage, 2)
        await asyncio.sleep(0.01)
        assert await storage.batches.take(LEASE_SECONDS) == []


async def test_a_batch_is_finished_once_all_have_an_outcome(storage: StorageArrangement) -> None:
    batch_id, _ = await storage.batches.add(["a", "b"], FAST)
    items = await storage.batches.take(LEASE_SECONDS)
    assert items is not None
    await storage.batches.finish(items[0], Outcome.DONE)
    await storage.batches.finish(items[0], Outcome.REFUSED)
    await storage.batches.finish(items[1], Outcome.REFUSED)
    progress = await storage.batches.progress(batch_id)
    assert progress == BatchProgress(2, 1, 1)
    assert progress is not None
    assert progress.is_finished


async def test_what_nobody_finished_in_time_is_anothers_who_knows_that_it_was_begun(
    storage: StorageArrangement,
) -> None:
    await storage.batches.add(["a"], FAST)
    first = await storage.batches.take(LEASE_SECONDS)
    assert first is not None
    assert first[0].begun_at is None

    again: list[BatchItem] = []

    async def taken_again() -> bool:
        again.extend(await storage.batches.take(0) or ())
        move_on(storage, 0.1)
        return bool(again)

    await until_found(taken_again)
    assert again[0].begun_at is not None


def failed(call_id: str) -> Call:
    """A call of which nothing is missing, for it never had anything."""
    call = Call.start(call_id, at(0))
    call.complete({}, 2, at(50))
    call.fail(call.begin_run(at(60)), FAILURE, at(100))
    return call


async def test_failed_calls_go_in_by_their_reason_or_all_of_them(storage: StorageArrangement) -> None:
    await save(storage, rich_calls.failed("a"), rich_calls.failed("b"), rich_calls.set_aside("c"))
    await save(storage, rich_calls.archived("d"))
    assert (await storage.batches.add_failed(FailureReason.AI_REFUSED, FAST, 10))[1] == 2
    assert (await storage.batches.add_failed(None, FAST, 10))[1] == 3
    assert (await storage.batches.add_failed(None, FAST, 2))[1] == 2
    assert (await storage.batches.add_failed(FailureReason.AUDIO_DROPPED, FAST, 2))[1] == 0


async def test_batches_are_listed_with_what_they_were_asked_for_by(storage: StorageArrangement) -> None:
    """The newest first, to whoever asks."""
    assert await storage.batches.recent(3_600, 10) == []
    await save(storage, failed("a"))
    named, _ = await storage.batches.add(["b", "c", "b"], FAST)
    move_on(storage, 1)
    refused, _ = await storage.batches.add_failed(FailureReason.AI_REFUSED, 2.5, 10)
    move_on(storage, 1)
    every, _ = await storage.batches.add_failed(None, FAST, 10)
    listed = await storage.batches.recent(3_600, 10)
    assert [(each.batch_id, each.failure_reason, each.all_failed) for each in listed] == [
        (every, None, True),
        (refused, FailureReason.AI_REFUSED, False),
        (named, None, False),
    ]
    assert [each.progress for each in listed] == [
        BatchProgress(1, 0, 0),
        BatchProgress(1, 0, 0),
        BatchProgress(2, 0, 0),
    ]
    assert listed[1].per_second == 2.5
    created = [each.created_at for each in listed]
    assert created == sorted(created, reverse=True)
    assert await storage.batches.recent(3_600, 2) == listed[:2]


async def test_what_is_finished_is_listed_behind_what_is_not_and_for_a_while(
    storage: StorageArrangement,
) -> None:
    running, _ = await storage.batches.add(["a", "b"], FAST)
    first = await storage.batches.take(LEASE_SECONDS)
    assert first is not None
    await storage.batches.finish(first[0], Outcome.DONE)
    finished = await finished_batch(storage, "c")
    latest = await finished_batch(storage, "d")
    listed = await storage.batches.recent(3_600, 10)
    assert [each.batch_id for each in listed] == [running, latest, finished]
    assert [each.progress for each in listed] == [
        BatchProgress(2, 1, 0),
        BatchProgress(1, 0, 1),
        BatchProgress(1, 0, 1),
    ]
    assert await storage.batches.recent(3_600, 1) == listed[:1]
    assert await storage.batches.recent(0, 10) == listed[:1]


async def finished_batch(storage: StorageArrangement, call_id: str) -> str:
    """Of one call, which was refused."""
    move_on(storage, 1)
    batch_id, _ = await storage.batches.add([call_id], FAST)

    async def is_done() -> bool:
        for item in await storage.batches.take(LEASE_SECONDS) or ():
            await storage.batches.finish(item, Outcome.REFUSED)
        move_on(storage, 0.1)
        unfinished = await storage.batches.recent(0, 10)
        return batch_id not in [each.batch_id for each in unfinished]

    await until_found(is_done)
    return batch_id


@pytest.mark.parametrize("batch_id", ["nonsense", "0b6f7d1e-5f0a-4f7c-9a53-2f8f3f1d8a3e"])
async def test_an_unknown_batch_is_told(storage: StorageArrangement, batch_id: str) -> None:
    with pytest.raises(UnknownBatch):
        await many(storage).progress(batch_id)


async def test_calls_are_reprocessed_and_what_is_refused_is_counted(storage: StorageArrangement) -> None:
    await save(storage, failed("a"), rich_calls.in_progress("live"))
    reprocess = many(storage)
    batch_id, total = await reprocess.calls(["a", "live", "nobody"], FAST)
    assert await reprocess.work() == total == 3
    assert await reprocess.progress(batch_id) == BatchProgress(3, 1, 2)
    assert (await load(storage, "a")).state is CallState.PROCESSING_AI
    assert await storage.jobs() != {}


async def test_several_processes_do_each_call_once(storage: StorageArrangement) -> None:
    names = [f"c-{number}" for number in range(12)]
    await save(storage, *map(failed, names))
    workers = [many(storage) for _ in range(3)]
    batch_id, _ = await workers[0].failed(None, 30.0)

    async def is_finished() -> bool:
        await asyncio.gather(*(worker.work() for worker in workers))
        move_on(storage, 0.2)
        return (await workers[0].progress(batch_id)).is_finished

    await until_found(is_finished)
    assert await workers[0].progress(batch_id) == BatchProgress(12, 12, 0)
    for name in names:
        events = [recorded.event.name for recorded in (await view(storage, name)).history]
        assert events.count("reprocess_requested") == 1


async def test_a_call_is_not_done_twice_where_a_process_ended_before_it_could_say_so(
    storage: StorageArrangement,
) -> None:
    """Not even where the call has failed again since."""
    await save(storage, failed("a"))
    batch_id, _ = await storage.batches.add(["a"], FAST)
    taken = await storage.batches.take(LEASE_SECONDS)
    assert taken is not None
    await ReprocessCall(storage.units)("a")

    def fail_again(call: Call) -> None:
        call.fail(call.begin_run(at(200)), FAILURE, at(201))

    await change(storage, "a", fail_again)
    reprocess = ReprocessMany(_Lapsed(storage.batches), ReprocessCall(storage.units), storage.reader)  # type: ignore[arg-type] # it has what is asked for

    async def is_finished() -> bool:
        await reprocess.work()
        move_on(storage, 0.1)
        progress = await storage.batches.progress(batch_id)
        return progress is not None and progress.is_finished

    await until_found(is_finished)
    assert await storage.batches.progress(batch_id) == BatchProgress(1, 1, 0)
    assert (await load(storage, "a")).state is CallState.FAILED


@attrs.frozen
class _Lapsed:
    """Batches whose leases are over at once."""

    _batches: object

    async def take(self, lease_seconds: float) -> object:
        return await self._batches.take(0)  # type: ignore[attr-defined] # batches

    async def finish(self, item: BatchItem, outcome: Outcome) -> None:
        await self._batches.finish(item, outcome)  # type: ignore[attr-defined] # batches

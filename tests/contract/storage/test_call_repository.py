"""The promise of application.ports.CallRepository, held against PostgreSQL and the fake."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from application.errors import CallStartedElsewhere
from domain.analysis import Transcript
from domain.call import Call
from domain.packet import MAX_SEQUENCE
from tests.contract.storage import rich_calls
from tests.contract.storage.arranged import (
    StorageArrangement,
    change,
    fail_in_unit,
    is_waiting,
    load,
    save,
    view,
)
from tests.contract.storage.rich_calls import EVERY_STAGE, at
from tests.unit.domain.example_calls import snapshot


@pytest.mark.parametrize("made", EVERY_STAGE)
async def test_a_call_comes_back_as_it_was_saved(
    storage: StorageArrangement, made: Callable[[], Call]
) -> None:
    """Every field, in every state, saved at once."""
    call = made()
    await save(storage, call)
    assert snapshot(await load(storage, "rich")) == snapshot(call)


@pytest.mark.parametrize("made", EVERY_STAGE[1:])
async def test_a_call_comes_back_as_it_was_changed(
    storage: StorageArrangement, made: Callable[[], Call]
) -> None:
    """Every field that can change, on a call that was stored before."""
    await save(storage, rich_calls.in_progress())
    goal = made()
    goal_events = goal.take_unsaved_events()

    def become(call: Call) -> None:
        for name in vars_of(goal):
            setattr(call, name, getattr(goal, name))
        call._unsaved = goal_events[1:]

    await change(storage, "rich", become)
    assert snapshot(await load(storage, "rich")) == snapshot(goal)
    assert list((await view(storage, "rich")).history) == goal_events


def vars_of(call: Call) -> list[str]:
    return [name for name in snapshot(call) if not name.startswith("_")]


async def test_the_words_of_a_part_can_be_replaced(storage: StorageArrangement) -> None:
    """Nothing else of the call changes with them, not even its version."""
    await save(storage, rich_calls.half_transcribed())
    other = Transcript("something else")
    await change(storage, "rich", lambda call: call.save_partial_transcript(1, "leg#1/0/0-30000", other))
    assert (await load(storage, "rich")).partial_transcripts["leg#1/0/0-30000"] == other


async def test_a_hastened_run_is_saved(storage: StorageArrangement) -> None:
    """It changes no version either."""
    call = Call.start("c-1", at(0))
    call.complete({"main": 0}, 60, at(1))
    call.next_run_at = at(61)
    await save(storage, call)
    await change(storage, "c-1", lambda call: call.hasten_if_whole(at(2)))
    assert (await load(storage, "c-1")).next_run_at == at(2)


async def test_what_arrived_is_kept_in_ranges_from_0_to_the_last_number(storage: StorageArrangement) -> None:
    await save(storage, rich_calls.in_progress())
    received = (await load(storage, "rich")).streams["leg#1"].received
    assert list(received.ranges()) == [(0, 2), (5, 5), (7, 7), (MAX_SEQUENCE, MAX_SEQUENCE)]


async def test_duplicates_are_saved_though_nothing_else_of_the_stream_changes(
    storage: StorageArrangement,
) -> None:
    await save(storage, rich_calls.in_progress())
    before = snapshot(await load(storage, "rich"))
    await change(storage, "rich", lambda call: call.streams["leg#1"].add_duplicate())
    call = await load(storage, "rich")
    assert {name: stream.duplicates for name, stream in call.streams.items()} == {"leg#1": 1, "a:b@c._-9": 2}
    call.streams["leg#1"].duplicates = 0
    assert snapshot(call) == before


async def test_events_have_their_versions_and_nothing_is_written_twice(storage: StorageArrangement) -> None:
    call = rich_calls.completed()
    await save(storage, call)
    await change(storage, "rich", lambda call: call.begin_run(at(63)))
    history = (await view(storage, "rich")).history
    assert [(recorded.version, recorded.event.name) for recorded in history] == [
        (1, "call_started"),
        (2, "call_completed"),
        (3, "run_started"),
    ]
    assert [recorded.at for recorded in history] == [at(0), at(60), at(63)]


async def test_calls_that_do_not_exist_are_left_out(storage: StorageArrangement) -> None:
    await save(storage, Call.start("c-1", at(0)))
    async with storage.units() as unit:
        assert set(await unit.calls.lock(["c-1", "nobody"])) == {"c-1"}
        assert await unit.calls.lock([]) == {}


async def test_many_calls_are_loaded_each_with_its_own_streams(storage: StorageArrangement) -> None:
    calls = [rich_calls.in_progress(f"c-{number}") for number in range(70)]
    bare = Call.start("bare", at(0))
    await save(storage, *calls, bare)
    async with storage.units() as unit:
        loaded = await unit.calls.lock([call.call_id for call in [*calls, bare]])
    assert {id: snapshot(call) for id, call in loaded.items()} == {
        call.call_id: snapshot(call) for call in [*calls, bare]
    }


async def test_a_locked_call_excludes_others_until_the_unit_ends(storage: StorageArrangement) -> None:
    """Whoever waited then sees what was committed, and a later time."""
    await save(storage, Call.start("c-1", at(0)))
    async with storage.units() as first:
        call = (await first.calls.lock(["c-1"]))["c-1"]
        second = asyncio.create_task(change(storage, "c-1", lambda call: call.begin_run(at(3))))
        assert await is_waiting(second)
        call.complete({}, 2, at(2))
        await first.calls.save([call])
        await first.commit()
    await second
    assert (await load(storage, "c-1")).runs == 1


async def test_a_lock_goes_with_a_unit_that_rolls_back(storage: StorageArrangement) -> None:
    await save(storage, Call.start("c-1", at(0)))
    with pytest.raises(ZeroDivisionError):
        await fail_in_unit(storage, ZeroDivisionError(), lambda unit: unit.calls.lock(["c-1"]))
    await change(storage, "c-1", lambda call: call.complete({}, 2, at(2)))


async def test_a_lock_does_not_keep_others_from_other_calls_or_from_reading(
    storage: StorageArrangement,
) -> None:
    await save(storage, Call.start("c-1", at(0)), Call.start("c-2", at(0)))
    async with storage.units() as unit:
        await unit.calls.lock(["c-1"])
        await change(storage, "c-2", lambda call: call.complete({}, 2, at(2)))
        assert (await view(storage, "c-1")).call.version == 1


async def test_writers_that_lock_the_same_calls_in_any_order_never_deadlock(
    storage: StorageArrangement,
) -> None:
    """Eight at a time, half of them naming the calls the other way round, and no write is lost."""
    ids = [f"c-{number}" for number in range(6)]
    await save(storage, *(Call.start(call_id, at(0)) for call_id in ids))

    async def write(order: list[str]) -> None:
        async with storage.units() as unit:
            calls = await unit.calls.lock(order)
            await asyncio.sleep(0)
            for call_id in order:
                calls[call_id].version += 1
            await unit.calls.save([calls[call_id] for call_id in order])
            await unit.commit()

    orders = [ids, ids[::-1]] * 4
    for _ in range(5):
        await asyncio.wait_for(asyncio.gather(*map(write, orders)), timeout=20)
    assert [(await load(storage, call_id)).version for call_id in ids] == [41] * 6


async def test_a_call_that_someone_else_started_is_refused(storage: StorageArrangement) -> None:
    await save(storage, Call.start("c-1", at(0)))
    with pytest.raises(CallStartedElsewhere):
        await save(storage, Call.start("c-1", at(1)), Call.start("c-2", at(1)))
    assert await storage.reader.find("c-2") is None


async def test_of_two_that_start_a_call_at_once_one_begins_anew(storage: StorageArrangement) -> None:
    """The second waits for the first's commit, is refused, and then finds the call."""
    async with storage.units() as first:
        await first.calls.save([Call.start("c-1", at(0))])
        second = asyncio.create_task(save(storage, Call.start("c-1", at(1))))
        assert await is_waiting(second)
        await first.commit()
    with pytest.raises(CallStartedElsewhere):
        await second
    assert (await load(storage, "c-1")).started_at == at(0)


async def test_a_start_that_rolls_back_leaves_the_call_to_the_next(storage: StorageArrangement) -> None:
    async with storage.units() as first:
        await first.calls.save([Call.start("c-1", at(0))])
        second = asyncio.create_task(save(storage, Call.start("c-1", at(1))))
        assert await is_waiting(second)
    await second
    assert (await load(storage, "c-1")).started_at == at(1)


async def test_a_call_may_be_saved_again_in_the_unit_that_started_it(storage: StorageArrangement) -> None:
    async with storage.units() as unit:
        call = Call.start("c-1", at(0))
        await unit.calls.save([call])
        call.complete({"main": 3}, 2, at(5))
        await unit.calls.save([call])
        await unit.commit()
    assert snapshot(await load(storage, "c-1")) == snapshot(call)

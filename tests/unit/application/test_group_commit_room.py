"""Who can wait for room in a group commit does, in line, and leaves half of it to those who cannot."""

from __future__ import annotations

import asyncio

import pytest

from application.errors import Draining, Overloaded
from tests.unit.application.batches import Batches, committing, flushing, settle, submit


@pytest.fixture
def batches() -> Batches:
    return Batches()


async def test_who_can_wait_waits_for_room_and_goes_on(batches: Batches) -> None:
    group = committing(batches, capacity=2)
    async with flushing(group):
        batches.gate.clear()
        taken = submit(group, "a", "b")
        await settle()
        patient = [asyncio.create_task(group.submit_when_there_is_room("call", item)) for item in "cdefg"]
        await settle()
        assert not any(answer.done() for answer in patient)
        with pytest.raises(Overloaded):
            await group.submit("call", "x")
        batches.gate.set()
        async with asyncio.timeout(5):
            assert await asyncio.gather(*taken, *patient) == [f"<{item}>" for item in "abcdefg"]
        assert batches.items == list("abcdefg")


async def test_who_can_wait_leaves_half_of_the_room_to_those_who_cannot(batches: Batches) -> None:
    group = committing(batches, capacity=4, largest_batch=2)
    async with flushing(group):
        batches.gate.clear()
        patient = [asyncio.create_task(group.submit_when_there_is_room("call", item)) for item in "abcdef"]
        await settle()
        taken = submit(group, "x", "y")
        await settle()
        with pytest.raises(Overloaded):
            await group.submit("call", "z")
        batches.gate.set()
        async with asyncio.timeout(5):
            assert await asyncio.gather(*taken) == ["<x>", "<y>"]
            await asyncio.gather(*patient)


async def test_no_more_than_there_is_room_for_goes_on_at_once(batches: Batches) -> None:
    group = committing(batches, capacity=4, largest_batch=2)
    async with flushing(group):
        batches.gate.clear()
        patient = [asyncio.create_task(group.submit_when_there_is_room("call", item)) for item in "abcdef"]
        await settle()
        assert group._size == 2
        batches.gate.set()
        async with asyncio.timeout(5):
            await asyncio.gather(*patient)
        assert max(len(batch) for batch in batches.seen) <= 2


async def test_where_there_is_room_nobody_waits(batches: Batches) -> None:
    group = committing(batches, capacity=1)
    async with flushing(group):
        assert await group.submit_when_there_is_room("call", "a") == "<a>"


async def test_draining_ends_the_waiting_for_room(batches: Batches) -> None:
    group = committing(batches, capacity=1)
    async with flushing(group):
        batches.gate.clear()
        (taken,) = submit(group, "a")
        await settle()
        patient = [asyncio.create_task(group.submit_when_there_is_room("call", item)) for item in "bc"]
        await settle()
        draining = asyncio.create_task(group.drain())
        await settle()
        assert [type(answer.exception()) for answer in patient if answer.done()] == [Draining, Draining]
        assert not taken.done()
        batches.gate.set()
        await draining
        assert taken.result() == "<a>"
        assert batches.items == ["a"]


async def test_a_waiter_that_hangs_up_leaves_its_room_to_others(batches: Batches) -> None:
    group = committing(batches, capacity=1)
    async with flushing(group):
        batches.gate.clear()
        (taken,) = submit(group, "a")
        await settle()
        gone = asyncio.create_task(group.submit_when_there_is_room("call", "gone"))
        patient = asyncio.create_task(group.submit_when_there_is_room("call", "b"))
        await settle()
        gone.cancel()
        batches.gate.set()
        async with asyncio.timeout(5):
            assert (await taken, await patient) == ("<a>", "<b>")
        assert batches.items == ["a", "b"]


async def test_a_waiter_that_hangs_up_at_its_turn_passes_it_on(batches: Batches) -> None:
    loop = asyncio.get_running_loop()
    hang_up: list[asyncio.Task[str]] = []

    def on_batch(size: int) -> None:
        for waiter in hang_up:  # before it runs again, and after it was its turn
            loop.call_soon(waiter.cancel)

    group = committing(batches, capacity=1, on_batch=on_batch)
    async with flushing(group):
        batches.gate.clear()
        (taken,) = submit(group, "a")
        await settle()
        hang_up.append(asyncio.create_task(group.submit_when_there_is_room("call", "x")))
        patient = asyncio.create_task(group.submit_when_there_is_room("call", "b"))
        await settle()
        batches.gate.set()
        async with asyncio.timeout(5):
            assert (await taken, await patient) == ("<a>", "<b>")
        assert hang_up[0].cancelled()
    assert batches.items == ["a", "b"]

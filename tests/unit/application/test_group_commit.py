"""Single requests that share a transaction: batches grow with the load, and everybody is answered."""

from __future__ import annotations

import asyncio

import pytest

from application.errors import BatchRefused, Draining, OutcomeUnknown, Overloaded, StorageUnavailable
from domain.errors import InvalidValue
from tests.unit.application.batches import Batches, committing, flushing, lane_of, settle, submit


@pytest.fixture
def batches() -> Batches:
    return Batches()


async def test_a_lone_request_is_flushed_at_once(batches: Batches) -> None:
    """No timer: a few turns of the loop are enough."""
    group = committing(batches)
    async with flushing(group):
        (answer,) = submit(group, "a")
        await settle()
        assert answer.result() == "<a>"


async def test_requests_that_arrive_during_a_flush_share_the_next(batches: Batches) -> None:
    group = committing(batches)
    async with flushing(group):
        batches.gate.clear()
        first = submit(group, "a")
        await settle()
        later = submit(group, "b", "c", "d")
        await settle()
        assert batches.seen == [["a"]]
        assert not any(answer.done() for answer in [*first, *later])
        batches.gate.set()
        assert await asyncio.gather(*first, *later) == ["<a>", "<b>", "<c>", "<d>"]
        assert batches.seen == [["a"], ["b", "c", "d"]]


async def test_a_batch_is_never_larger_than_the_largest(batches: Batches) -> None:
    group = committing(batches, largest_batch=2)
    async with flushing(group):
        batches.gate.clear()
        answers = submit(group, *"abcdef")
        await settle()
        batches.gate.set()
        await asyncio.gather(*answers)
        assert max(len(batch) for batch in batches.seen) == 2
        assert batches.items == list("abcdef")


async def test_what_refuses_one_command_reaches_only_its_sender(batches: Batches) -> None:
    group = committing(batches)
    async with flushing(group):
        answers = await asyncio.gather(*submit(group, "a", "bad", "b"), return_exceptions=True)
        assert answers[0] == "<a>"
        assert isinstance(answers[1], InvalidValue)
        assert answers[2] == "<b>"


@pytest.mark.parametrize("error", [StorageUnavailable(), OutcomeUnknown(), ZeroDivisionError()])
async def test_an_error_of_the_batch_reaches_everybody_in_it_and_nobody_after_it(
    batches: Batches, error: Exception
) -> None:
    group = committing(batches)
    async with flushing(group):
        batches.raises = error
        answers = await asyncio.gather(*submit(group, "a", "b", "c"), return_exceptions=True)
        assert answers == [error] * 3
        batches.raises = None
        assert await group.submit("call", "d") == "<d>"


@pytest.mark.parametrize("poison", [{"a"}, {"d"}, {"h"}, {"b", "g"}, set("abcdefgh")])
async def test_the_one_that_the_database_refuses_is_found_and_its_neighbours_go_through(
    batches: Batches, poison: set[str]
) -> None:
    group = committing(batches)
    batches.poison = poison
    async with flushing(group):
        answers = await asyncio.gather(*submit(group, *"abcdefgh"), return_exceptions=True)
        for item, answer in zip("abcdefgh", answers, strict=True):
            if item in poison:
                assert isinstance(answer, BatchRefused)
            else:
                assert answer == f"<{item}>"


async def test_one_culprit_costs_a_few_attempts_not_one_for_each(batches: Batches) -> None:
    group = committing(batches, largest_batch=64)
    items = [f"item-{number}" for number in range(64)]
    batches.poison = {"item-37"}
    async with flushing(group):
        await asyncio.gather(*submit(group, *items), return_exceptions=True)
        assert len(batches.seen) == 1 + 2 * 6


async def test_a_full_queue_refuses_before_any_work_is_done(batches: Batches) -> None:
    group = committing(batches, capacity=3)
    async with flushing(group):
        batches.gate.clear()
        taken = submit(group, "a", "b", "c")
        await settle()
        with pytest.raises(Overloaded):
            await group.submit("call", "d")
        batches.gate.set()
        await asyncio.gather(*taken)
        assert "d" not in batches.items
        assert await group.submit("call", "e") == "<e>"


async def test_draining_answers_what_was_taken_and_takes_no_more(batches: Batches) -> None:
    group = committing(batches)
    async with flushing(group):
        batches.gate.clear()
        taken = submit(group, "a", "b")
        await settle()
        draining = asyncio.create_task(group.drain())
        await settle()
        with pytest.raises(Draining):
            await group.submit("call", "c")
        assert not draining.done()
        batches.gate.set()
        await draining
        assert [answer.result() for answer in taken] == ["<a>", "<b>"]


async def test_draining_an_idle_one_is_over_at_once(batches: Batches) -> None:
    await committing(batches).drain()


async def test_a_sender_that_hangs_up_harms_nobody(batches: Batches) -> None:
    """Its command is done all the same, and its place is free again."""
    group = committing(batches, capacity=3)
    async with flushing(group):
        batches.gate.clear()
        answers = submit(group, "a", "b", "bad")
        await settle()
        for gone in answers[1:]:
            gone.cancel()
        batches.gate.set()
        assert await answers[0] == "<a>"
        assert batches.items == ["a", "b", "bad"]
        await asyncio.gather(*submit(group, "c", "d", "e"))
        await group.drain()


async def test_commands_with_one_key_keep_their_order(batches: Batches) -> None:
    group = committing(batches, flushers=4, capacity=200, largest_batch=3)
    async with flushing(group):
        keys = [f"call-{number % 7}" for number in range(200)]
        await asyncio.gather(
            *(submit(group, f"{key}/{number}", key=key)[0] for number, key in enumerate(keys))
        )
        for key in set(keys):
            of_key = [item for item in batches.items if item.startswith(f"{key}/")]
            assert of_key == sorted(of_key, key=lambda item: int(item.split("/")[1]))


async def test_flushers_do_not_wait_for_each_other(batches: Batches) -> None:
    """A flush in flight holds up only the keys that are its own."""
    group = committing(batches, flushers=2)
    keys = [f"call-{number}" for number in range(10)]
    async with flushing(group):
        batches.gate.clear()
        answers = [submit(group, key, key=key)[0] for key in keys]
        await settle()
        assert len(batches.seen) == 2
        assert not set(batches.seen[0]) & set(batches.seen[1])
        batches.gate.set()
        await asyncio.gather(*answers)


@pytest.mark.parametrize("lanes_per_commit", [1, 2, 3])
async def test_a_commit_spans_no_more_lanes_than_it_may(batches: Batches, lanes_per_commit: int) -> None:
    """All the same everything goes through, and each lane in its order."""
    group = committing(batches, flushers=2, largest_batch=25, lanes_per_commit=lanes_per_commit)
    keys = [f"call-{number % 7}" for number in range(70)]
    async with flushing(group):
        answers = [submit(group, f"{number}/{key}", key=key)[0] for number, key in enumerate(keys)]
        await asyncio.gather(*answers)
    spans = [len({lane_of(item) for item in batch}) for batch in batches.seen]
    assert max(spans) == lanes_per_commit
    assert sorted(batches.items, key=lambda item: int(item.split("/")[0])) == [
        f"{number}/{key}" for number, key in enumerate(keys)
    ]
    for key in set(keys):
        numbers = [int(item.split("/")[0]) for item in batches.items if item.endswith(key)]
        assert numbers == sorted(numbers)


async def test_without_a_limit_a_commit_spans_every_lane_that_waits(batches: Batches) -> None:
    group = committing(batches, flushers=2)
    keys = [f"call-{number}" for number in range(8)]
    async with flushing(group):
        await asyncio.gather(*(submit(group, key, key=key)[0] for key in keys))
    assert [{lane_of(item) for item in batch} for batch in batches.seen] == [{0, 2, 4, 6}, {1, 3, 5, 7}]


async def test_a_lane_is_one_flushers_alone(batches: Batches) -> None:
    """Keys that share a lane never share a moment with each other in two transactions."""
    group = committing(batches, flushers=2)
    async with flushing(group):
        batches.gate.clear()
        first = submit(group, "a", key="call-4")
        await settle()
        second = submit(group, "b", key="another-call-4")
        await settle()
        assert batches.seen == [["a"]]
        batches.gate.set()
        await asyncio.gather(*first, *second)


async def test_a_flusher_that_is_cancelled_in_mid_flight_leaves_nobody_waiting(batches: Batches) -> None:
    """They hear that the outcome is unknown, which is a reason to send again; a cancellation is none."""
    group = committing(batches)
    async with flushing(group) as flushers:
        batches.gate.clear()
        answers = submit(group, "a", "b")
        await settle()
        flushers[0].cancel()
        outcomes = await asyncio.gather(*answers, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown] * 2
    await group.drain()


async def test_a_batch_is_as_large_as_its_commands_together(batches: Batches) -> None:
    """In order: what does not fit any more begins the next, and nothing smaller overtakes it."""
    group = committing(batches, largest_batch=5, size_of=len)
    async with flushing(group):
        batches.gate.clear()
        first = submit(group, "a")
        await settle()
        later = submit(group, "bb", "cc", "d", "eee", "ff", "g")
        await settle()
        batches.gate.set()
        await asyncio.gather(*first, *later)
        assert batches.seen == [["a"], ["bb", "cc", "d"], ["eee", "ff"], ["g"]]


@pytest.mark.parametrize("others", ["before", "after"])
async def test_a_command_larger_than_a_batch_goes_alone(batches: Batches, others: str) -> None:
    group = committing(batches, largest_batch=5, size_of=len)
    items = ["a", "b", "larger than a batch"] if others == "before" else ["larger than a batch", "a", "b"]
    async with flushing(group):
        batches.gate.clear()
        answers = [*submit(group, "first"), *submit(group, *items)]
        await settle()
        batches.gate.set()
        await asyncio.gather(*answers)
        assert [batch for batch in batches.seen if "larger than a batch" in batch] == [
            ["larger than a batch"]
        ]
        assert batches.items == ["first", *items]
        assert ["a", "b"] in batches.seen


async def test_capacity_counts_sizes_and_a_command_is_taken_whole_while_there_is_room(
    batches: Batches,
) -> None:
    group = committing(batches, capacity=5, size_of=len)
    async with flushing(group):
        batches.gate.clear()
        taken = submit(group, "four", "larger than what is left")
        await settle()
        with pytest.raises(Overloaded):
            await group.submit("call", "x")
        batches.gate.set()
        await asyncio.gather(*taken)
        assert await group.submit("call", "x") == "<x>"


async def test_each_batch_that_went_through_is_told(batches: Batches) -> None:
    sizes: list[int] = []
    group = committing(batches, capacity=9, largest_batch=9, size_of=len, on_batch=sizes.append)
    async with flushing(group):
        await asyncio.gather(*submit(group, "a", "bb", "c"))
        await group.submit("call", "d")
    assert sizes == [4, 1]

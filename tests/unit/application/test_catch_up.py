"""What was missed is read once for all who missed the same, whoever of them goes, and never without bound."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

import pytest

from application import catch_up
from application.catch_up import CHANGES_PER_CHUNK, MOST_BYTES_HELD
from application.errors import BatchRefused, StorageUnavailable
from application.feed_events import SnapshotTaken
from application.feed_reader import MOST_WAITING_BYTES
from tests.unit.application.feed_stage import SOON, FeedStage, calls, last_place, told
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("loop_time")


@pytest.fixture
def stage() -> FeedStage:
    return FeedStage()


async def place_before(stage: FeedStage, *missed: str) -> str:
    """Where one stands who was told everything but that."""
    stage.snapshot_may_be_taken()
    with stage.reader() as reader:
        await stage.feed.look()
        place = last_place(await told(reader))
    stage.start(*missed)
    return place


async def test_those_who_join_together_from_one_place_share_what_they_missed(stage: FeedStage) -> None:
    place = await place_before(stage, "c-1", "c-2")
    encoded = len(stage.encoded)
    with ExitStack() as stack:
        readers = [stack.enter_context(stage.reader(place)) for _ in range(20)]
        await stage.feed.look()
        chunks = [await reader.next(SOON) for reader in readers]
        assert [calls(chunk or ()) for chunk in chunks] == [["c-1", "c-2"]] * 20
        assert len({id(chunk) for chunk in chunks}) == 1
    assert stage.changes.betweens == 1
    assert len(stage.encoded) == encoded + 1


async def test_who_joins_later_from_there_is_told_all_that_is_new_since(stage: FeedStage) -> None:
    place = await place_before(stage, "c-1")
    with stage.reader(place) as first:
        await stage.feed.look()
        assert calls(await told(first)) == ["c-1"]
        stage.start("c-2")
        with stage.reader(place) as second:
            await stage.feed.look()
            assert calls(await told(second)) == ["c-1", "c-2"]
            assert calls(await told(first)) == ["c-2"]


async def test_much_is_told_in_pieces_and_what_is_new_after_the_last(stage: FeedStage) -> None:
    missed = [f"c-{number}" for number in range(2 * CHANGES_PER_CHUNK + 1)]
    place = await place_before(stage, *missed)
    with stage.reader(place) as reader:
        await stage.feed.look()
        pieces = [calls(await reader.next(SOON) or ())]
        stage.start("new")
        await stage.feed.look()
        pieces += [calls(await reader.next(SOON) or ()) for _ in range(3)]
    assert [len(piece) for piece in pieces] == [CHANGES_PER_CHUNK, CHANGES_PER_CHUNK, 1, 1]
    assert [call_id for piece in pieces for call_id in piece] == [*missed, "new"]


async def test_who_does_not_read_what_it_missed_loses_the_rest_of_it_too(stage: FeedStage) -> None:
    place = await place_before(stage, *[f"c-{number}" for number in range(2 * CHANGES_PER_CHUNK)])
    with stage.reader(place) as lazy:
        await stage.feed.look()
        assert await lazy.next(SOON) is not None
        stage.chunk_bytes = MOST_WAITING_BYTES
        for number in range(2):
            stage.start(f"n-{number}")
            await stage.feed.look()
        assert await lazy.next(SOON) is None, "of what it missed nothing more comes, but a snapshot"
        stage.snapshot_may_be_taken()
        await stage.feed.look()
        (snapshot,) = await told(lazy)
        assert isinstance(snapshot, SnapshotTaken)


async def test_who_waits_no_longer_may_ask_again_and_nothing_is_read_anew(stage: FeedStage) -> None:
    """As after ten seconds, when a reader's connection is to show that it lives."""
    place = await place_before(stage, "c-1")
    stage.held.holds = "between"
    with stage.reader(place) as reader:
        await stage.feed.look()
        assert await reader.next(SOON) is None
        assert await reader.next(SOON) is None
        stage.held.may_tell.set()
        assert calls(await told(reader)) == ["c-1"]
    assert stage.changes.betweens == 1


async def test_nothing_is_read_for_those_who_went(stage: FeedStage) -> None:
    """Those who come and go at once do not make others wait."""
    places = [await place_before(stage, f"c-{number}") for number in range(5)]
    stage.held.holds = "between"
    with ExitStack() as stack:
        readers = [stack.enter_context(stage.reader(place)) for place in places]
        await stage.feed.look()
        asking = [asyncio.create_task(reader.next(5)) for reader in readers]
        await until(lambda: stage.changes.betweens == catch_up.CATCH_UPS_AT_ONCE)
        for each in asking[:-1]:
            each.cancel()
        await asyncio.gather(*asking[:-1], return_exceptions=True)
        for reader in readers[:-1]:
            reader.leave()
        stage.held.may_tell.set()
        assert len(calls(await asking[-1] or ())) == 1
    assert stage.changes.betweens == catch_up.CATCH_UPS_AT_ONCE + 1


async def test_where_too_much_is_held_for_others_a_snapshot_stands_for_it(stage: FeedStage) -> None:
    """Until they have taken it, or went."""
    first, second = [await place_before(stage, f"c-{number}") for number in range(2)]
    stage.chunk_bytes = MOST_BYTES_HELD + 1
    with stage.reader(second) as late, stage.reader(first) as slow:
        await stage.feed.look()
        assert await slow.next(SOON) is not None
        assert await late.next(SOON) is None
        assert late.place is None
    with stage.reader(second) as late:
        await stage.feed.look()
        assert calls(await told(late)) == ["c-1"]


async def test_who_cannot_catch_up_for_trouble_tries_again_from_where_it_was(stage: FeedStage) -> None:
    place = await place_before(stage, "c-1")
    with stage.reader(place) as reader:
        await stage.feed.look()
        stage.start("c-2")
        await stage.feed.look()
        stage.storage.fail_next("read", StorageUnavailable())
        assert await reader.next(SOON) is None, "c-2 must not come before c-1"
        await stage.feed.look()
        assert calls(await told(reader)) == ["c-1", "c-2"]


async def test_a_place_that_the_storage_refuses_gets_a_snapshot(stage: FeedStage) -> None:
    place = await place_before(stage, "c-1")
    with stage.reader(place) as reader:
        await stage.feed.look()
        stage.storage.fail_next("read", BatchRefused("what is this?"))
        assert await reader.next(SOON) is None
        stage.snapshot_may_be_taken()
        await stage.feed.look()
        (snapshot,) = await told(reader)
        assert isinstance(snapshot, SnapshotTaken)

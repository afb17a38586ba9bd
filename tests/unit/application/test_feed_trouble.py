"""What goes wrong with a look: nobody misses anything, nothing is counted twice, and it is said."""

from __future__ import annotations

import asyncio

import pytest

from application.catch_up import MOST_CHANGES
from application.errors import BatchRefused, StorageUnavailable
from application.feed_events import GapStood, OverviewTaken, SnapshotTaken
from domain.call_state import CallState
from tests.unit.application.feed_stage import SOON, FeedStage, calls, last_place, told

pytestmark = pytest.mark.usefixtures("loop_time")


@pytest.fixture
def stage() -> FeedStage:
    return FeedStage()


async def test_trouble_is_told_and_then_it_goes_on(stage: FeedStage) -> None:
    with stage.reader() as reader:
        await stage.feed.look()
        place = last_place(await told(reader))
        stage.second_is_over()
        stage.storage.fail_next("read", StorageUnavailable())
        with stage.reader(place) as late:
            await stage.feed.look()
            for each in (reader, late):
                (overview,) = await told(each)
                assert isinstance(overview, OverviewTaken)
                assert overview.is_degraded
                assert overview.counts is not None
            stage.start("c-1")
            await stage.feed.look()
            assert calls(await told(reader)) == calls(await told(late)) == ["c-1"]


async def test_what_changed_is_told_and_counted_once_though_nothing_is_known_of_live_calls(
    stage: FeedStage,
) -> None:
    """That is left out, and no sign that the database would not take packets."""
    with stage.reader() as reader:
        await stage.feed.look()
        await told(reader)
        stage.start("c-1")
        overviews: list[OverviewTaken] = []
        for trouble in (StorageUnavailable(), StorageUnavailable(), None):
            stage.second_is_over()
            if trouble is not None:
                stage.storage.fail_next("live", trouble)
                stage.storage.fail_next("live", trouble)
            await stage.feed.look()
            await stage.feed.look()
            events = await told(reader)
            assert calls(events) == (["c-1"] if not overviews else [])
            overviews += [event for event in events if isinstance(event, OverviewTaken)]
    assert [overview.counts and overview.counts[CallState.IN_PROGRESS] for overview in overviews] == [1] * 3
    assert not any(overview.is_degraded for overview in overviews)
    assert [overview.ai.waiting for overview in overviews] == [None, None, 0]


async def test_changes_are_told_before_anybody_asks_what_goes_on(stage: FeedStage) -> None:
    with stage.reader() as reader:
        await stage.feed.look()
        await told(reader)
        stage.start("c-1")
        stage.second_is_over()
        await stage.feed.look()
        first = await reader.next(SOON)
        assert first is not None
        assert calls(first) == ["c-1"]
        assert not any(isinstance(event, OverviewTaken) for event in first)


async def test_after_an_unexpected_error_a_snapshot_stands_for_what_was_not_told(stage: FeedStage) -> None:
    """And the counts are taken anew."""
    with stage.reader() as reader:
        await stage.feed.look()
        await told(reader)
        stage.start("c-1")
        stage.encoding_fails = RuntimeError("no more threads")
        stage.second_is_over()
        with pytest.raises(RuntimeError):
            await stage.feed.look()
        (overview,) = await told(reader)
        assert isinstance(overview, OverviewTaken)
        assert overview.is_degraded
        stage.start("c-2")
        await look_until_snapshot(stage)
        (snapshot,) = await told(reader)
        assert isinstance(snapshot, SnapshotTaken)
        assert snapshot.counts[CallState.IN_PROGRESS] == len(snapshot.live) == 2
        stage.start("c-3")
        await stage.feed.look()
        assert calls(await told(reader)) == ["c-3"]


async def test_an_unexpected_error_of_the_storage_does_not_come_again_with_every_look(
    stage: FeedStage,
) -> None:
    """The next look does not read again what could not be read."""
    with stage.reader() as reader:
        await stage.feed.look()
        await told(reader)
        stage.start("unreadable")
        stage.storage.fail_next("read", BatchRefused("a change that nobody can read"))
        with pytest.raises(BatchRefused):
            await stage.feed.look()
        await look_until_snapshot(stage)
        (snapshot,) = await told(reader)
        assert isinstance(snapshot, SnapshotTaken)
        assert stage.changes.most_read == 0


async def test_a_look_that_is_cancelled_amid_telling_leaves_no_gap(stage: FeedStage) -> None:
    with stage.reader() as reader:
        await stage.feed.look()
        await told(reader)
        stage.start("c-1")
        stage.encoding_fails = asyncio.CancelledError()
        with pytest.raises(asyncio.CancelledError):
            await stage.feed.look()
        await look_until_snapshot(stage)
        (snapshot,) = await told(reader)
        assert isinstance(snapshot, SnapshotTaken)


async def test_no_gap_where_too_much_changes_while_one_catches_up(stage: FeedStage) -> None:
    """What waits for it comes after what it missed, and must not be told without that."""
    with stage.reader() as reader:
        await stage.feed.look()
        place = last_place(await told(reader))
    stage.start("missed")
    stage.held.holds = "between"
    with stage.reader(place) as reader:
        await stage.feed.look()
        asking = asyncio.create_task(reader.next(5))
        await stage.held.has_looked.wait()
        stage.start("new")
        await stage.feed.look()
        stage.start(*[f"m-{number}" for number in range(MOST_CHANGES + 1)])
        await stage.feed.look()
        stage.held.may_tell.set()
        await look_until_snapshot(stage)
        (snapshot,) = await asking or ()
        assert isinstance(snapshot, SnapshotTaken)
        assert await told(reader) == []


async def look_until_snapshot(stage: FeedStage) -> None:
    """The counts may have to be taken first, which begins no sooner than a second after the last."""
    stage.feed._counts._counting_time._again_at = 0.0
    stage.snapshot_may_be_taken()
    await stage.feed.look()


async def test_a_gap_that_was_found_is_told_though_the_database_went_away(stage: FeedStage) -> None:
    """It is found once."""
    stage.start("c-1")
    with stage.reader() as reader:
        await stage.feed.look()
        for missing in (1, 1):
            await told(reader)
            call = stage.storage.call("c-1")
            call.last_packet_at = stage.storage.clock.now
            stream = call._stream_to_fill("main")
            stream.add(1 + len(stream.received) + missing, 5)
            stage.storage.put(call)
            stage.second_is_over()
            await stage.feed.look()
        stage.second_is_over()
        stage.storage.fail_next("read", StorageUnavailable())
        await stage.feed.look()
        events = await told(reader)
    assert [type(event) for event in events].count(GapStood) == 1
    assert isinstance(events[-1], OverviewTaken)
    assert events[-1].is_degraded

"""One look for all who read; nobody is told anything twice, misses anything, or waits for another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from itertools import pairwise

import pytest

from application.call_feed import (
    BYTES_TOLD_AT_ONCE,
    LOOK_SECONDS,
    MOST_READERS,
    READERS_TOLD_AT_ONCE,
    SHORTEST_TURN_SECONDS,
    CallFeed,
)
from application.catch_up import MOST_CHANGES
from application.errors import Draining, Overloaded
from application.feed_events import OverviewTaken, SnapshotTaken
from application.feed_ports import Figures
from application.feed_reader import MOST_WAITING_BYTES, FeedReader
from domain.call_state import CallState
from tests.contract.storage import rich_calls
from tests.contract.storage.rich_calls import at
from tests.fakes.figures import FakeFigures
from tests.unit.application.feed_stage import SOON, Events, FeedStage, calls, last_place, told
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("loop_time")


@pytest.fixture
def stage() -> FeedStage:
    return FeedStage()


async def test_a_snapshot_and_then_what_changes(stage: FeedStage) -> None:
    stage.start("before")
    with stage.reader() as reader:
        await stage.feed.look()
        (snapshot,) = await told(reader)
        assert isinstance(snapshot, SnapshotTaken)
        assert [call.call_id for call in snapshot.live] == ["before"]
        assert snapshot.counts[CallState.IN_PROGRESS] == 1
        stage.start("after")
        await stage.feed.look()
        assert calls(await told(reader)) == ["after"]


async def test_what_a_look_finds_is_encoded_once_for_all(stage: FeedStage) -> None:
    with ExitStack() as stack:
        readers = [stack.enter_context(stage.reader()) for _ in range(25)]
        await stage.feed.look()
        stage.start("c-1")
        await stage.feed.look()
        assert {tuple(calls(await told(reader))) for reader in readers} == {("c-1",)}
    assert len(stage.encoded) == 2
    assert stage.changes.moments == 2


async def test_counts_follow_the_changes(stage: FeedStage) -> None:
    stage.storage.put(rich_calls.in_progress("a"))
    with stage.reader():
        await stage.feed.look()
        call = stage.storage.call("a")
        call.complete({}, 2, at(60))
        call.begin_run(at(63))
        stage.storage.put(call)
        stage.storage.put(rich_calls.failed("b"))
        await stage.feed.look()
        with stage.reader() as later:
            stage.snapshot_may_be_taken()
            await stage.feed.look()
            (snapshot,) = await told(later)
    assert isinstance(snapshot, SnapshotTaken)
    assert snapshot.counts == {
        CallState.IN_PROGRESS: 0,
        CallState.COMPLETED: 0,
        CallState.PROCESSING_AI: 1,
        CallState.ARCHIVED: 0,
        CallState.FAILED: 1,
    }


async def test_whoever_comes_back_gets_what_it_missed_and_then_what_is_new(stage: FeedStage) -> None:
    with stage.reader() as reader:
        await stage.feed.look()
        place = last_place(await told(reader))
    stage.start("missed")
    with stage.reader(place) as reader:
        await stage.feed.look()
        stage.start("new")
        await stage.feed.look()
        assert calls(await told(reader)) == ["missed", "new"]


async def test_who_comes_while_a_look_is_taken_joins_with_the_next(stage: FeedStage) -> None:
    """Where it stands may be later than what that look sees: it would be told some of it again."""
    with stage.reader() as first:
        await stage.feed.look()
        await told(first)
        stage.start("c-1")
        stage.held.holds = "moment"
        look = asyncio.create_task(stage.feed.look())
        await stage.held.has_looked.wait()
        stage.start("c-2")
        later = (await stage.changes.moment(None, 1, 0)).place
        with stage.reader(later) as second:
            stage.held.may_tell.set()
            await look
            assert second.joins
            await stage.feed.look()
            assert calls(await told(second)) == []
        assert calls(await told(first)) == ["c-1", "c-2"]


@pytest.mark.parametrize("place", ["elsewhere/3", "nonsense"])
async def test_who_comes_from_nowhere_gets_a_snapshot(stage: FeedStage, place: str) -> None:
    with stage.reader(place) as reader:
        await stage.feed.look()
        assert await reader.next(SOON) is None, "it has found out, and waits"
        stage.snapshot_may_be_taken()
        await stage.feed.look()
        (snapshot,) = await told(reader)
    assert isinstance(snapshot, SnapshotTaken)


async def test_too_many_changes_are_a_snapshot_for_all(stage: FeedStage) -> None:
    with stage.reader() as one, stage.reader() as other:
        await stage.feed.look()
        for reader in (one, other):
            await told(reader)
        stage.start(*[f"c-{number}" for number in range(MOST_CHANGES + 1)])
        await stage.feed.look()
        stage.snapshot_may_be_taken()
        await stage.feed.look()
        for reader in (one, other):
            (snapshot,) = await told(reader)
            assert isinstance(snapshot, SnapshotTaken)
            assert snapshot.counts[CallState.IN_PROGRESS] == MOST_CHANGES + 1


async def test_who_does_not_read_loses_what_waits_and_gets_a_snapshot(stage: FeedStage) -> None:
    """Once it reads again, and not before; the other gets everything."""
    with stage.reader() as lazy, stage.reader() as busy:
        await stage.feed.look()
        await told(lazy)
        await told(busy)
        stage.chunk_bytes = MOST_WAITING_BYTES // 3 + 1
        seen: list[str] = []
        for number in range(6):
            stage.start(f"c-{number}")
            await stage.feed.look()
            seen += calls(await told(busy))
        stage.snapshot_may_be_taken()
        await stage.feed.look()
        assert seen == [f"c-{number}" for number in range(6)]
        assert not any(isinstance(event, SnapshotTaken) for events in stage.encoded[2:] for event in events)
        assert await lazy.next(SOON) is None
        stage.start("c-6")
        await stage.feed.look()
        (snapshot,) = await told(lazy)
        assert isinstance(snapshot, SnapshotTaken)
        assert len(snapshot.live) == 7
        stage.start("c-7")
        await stage.feed.look()
        assert calls(await told(lazy)) == ["c-7"]


async def test_it_looks_only_while_somebody_reads(stage: FeedStage) -> None:
    async with running(stage.feed):
        await asyncio.sleep(SOON)
        assert stage.changes.moments == 0
        with stage.reader() as reader:
            assert await reader.next(5) is not None
        await asyncio.sleep(0.3)
        moments = stage.changes.moments
        await asyncio.sleep(0.3)
        assert stage.changes.moments == moments


async def test_the_first_after_a_quiet_time_does_not_pay_for_all_of_it(stage: FeedStage) -> None:
    """What nobody was told is not read for anybody; only the counts go on over it."""
    async with running(stage.feed):
        with stage.reader() as reader:
            assert await reader.next(5) is not None
        await until(lambda: stage.feed._place is None)
        stage.start("unseen")
        asked = stage.changes.most_read
        with stage.reader() as reader:
            (snapshot,) = await reader.next(5) or ()
        assert isinstance(snapshot, SnapshotTaken)
        assert snapshot.counts[CallState.IN_PROGRESS] == 1
        assert stage.changes.most_read == asked
    assert stage.changes.counts == 1


async def test_a_count_ends_with_the_feed(stage: FeedStage) -> None:
    """It may take minutes, and a process that ends closes its connections."""
    stage.held.holds = "count"
    with stage.reader():
        async with running(stage.feed):
            await stage.held.has_looked.wait()
            (counting,) = [task for task in asyncio.all_tasks() if "count calls" in task.get_name()]
        await asyncio.wait({counting}, timeout=1)
    assert counting.cancelled()


class NotedFigures(FakeFigures):
    """Notes when it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_at: list[float] = []

    def figures(self) -> Figures:
        self.asked_at.append(asyncio.get_running_loop().time())
        return super().figures()


async def test_an_overview_comes_once_a_second_and_not_sooner() -> None:
    """Whatever the looks between: one of them begins when the second is over."""
    figures = NotedFigures()
    stage = FeedStage(figures=figures)
    stage.second_is_over()
    overviews = 0
    loop = asyncio.get_running_loop()
    async with running(stage.feed), asyncio.timeout(5):
        with stage.reader() as reader:
            while overviews < 2:
                events = await reader.next(5) or ()
                overviews += sum(isinstance(event, OverviewTaken) for event in events)
    _for_the_snapshot, *for_overviews = figures.asked_at
    pauses = [later - earlier for earlier, later in pairwise(for_overviews)]
    assert pauses == pytest.approx([1.0] * len(pauses))
    assert pauses
    await stage.feed.look()
    stage.overview._due_at = loop.time() + LOOK_SECONDS / 4
    stage.feed._is_wanted.clear()
    await stage.feed._until_next()
    assert stage.overview.due_in_seconds == pytest.approx(0, abs=1e-6)


async def test_what_takes_time_to_tell_is_no_reason_to_look_later(stage: FeedStage) -> None:
    """But that the storage takes time to answer is: it may have much to do."""
    loop = asyncio.get_running_loop()
    stage.held.holds = "moment"
    stage.chunk_bytes = BYTES_TOLD_AT_ONCE
    with ExitStack() as stack:
        for _ in range(round(2 * LOOK_SECONDS / SHORTEST_TURN_SECONDS)):
            stack.enter_context(stage.reader())
        look = asyncio.create_task(stage.feed.look())
        await stage.held.has_looked.wait()
        answered_at = loop.time()
        stage.held.may_tell.set()
        await look
    told_at = loop.time()
    assert told_at - answered_at > LOOK_SECONDS
    assert stage.feed._looked_at >= answered_at
    stage.feed._is_wanted.clear()
    await stage.feed._until_next()
    assert loop.time() - told_at < LOOK_SECONDS / 2


@asynccontextmanager
async def running(feed: CallFeed[Events]) -> AsyncIterator[None]:
    task = asyncio.create_task(feed.run_for_ever())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_at_the_end_all_are_sent_elsewhere(stage: FeedStage) -> None:
    with stage.reader() as reader:
        waiting = asyncio.create_task(reader.next(5))
        await asyncio.sleep(0)
        stage.feed.end_all()
        with pytest.raises(Draining):
            await waiting
    with pytest.raises(Draining), stage.reader():
        pass


async def test_there_is_a_bound_on_readers(stage: FeedStage) -> None:
    with ExitStack() as stack:
        for _ in range(MOST_READERS):
            stack.enter_context(stage.reader())
        with pytest.raises(Overloaded):
            stack.enter_context(stage.reader())
    with stage.reader():
        pass


async def test_however_many_are_told_others_have_their_turn_in_between(stage: FeedStage) -> None:
    """Of a change, and of a snapshot: the larger it is, the fewer are told in one turn."""
    with ExitStack() as stack:
        readers = [stack.enter_context(stage.reader()) for _ in range(4 * READERS_TOLD_AT_ONCE)]
        turns: list[int] = []
        for chunk_bytes in (100, 10**9):
            stage.chunk_bytes = chunk_bytes
            for reader in readers:
                reader.needs_snapshot()
            stage.snapshot_may_be_taken()
            waiting = [asyncio.create_task(_told_at(reader)) for reader in readers]
            await stage.feed.look()
            turns.append(len({await each for each in waiting}))
    assert turns == [4, len(readers)]


async def _told_at(reader: FeedReader[Events]) -> float:
    """When it was told a snapshot."""
    await reader.next(5)
    return asyncio.get_running_loop().time()

"""One look for all who read; nobody is told anything twice, misses anything, or waits for another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager

import attrs
import pytest

from application.call_feed import MOST_CHANGES, MOST_READERS, CallFeed
from application.errors import Draining, Overloaded, StorageUnavailable
from application.feed_events import CallProgressed, FeedEvent, GapStood, OverviewTaken, SnapshotTaken
from application.feed_ports import Change, Moment
from application.feed_reader import MOST_WAITING_BYTES, FeedReader
from application.spool import Spool
from domain.call import Call
from domain.call_state import CallState
from tests.contract.storage import rich_calls
from tests.contract.storage.rich_calls import at
from tests.fakes.call_changes import FakeCallChanges, FakeLiveCalls
from tests.fakes.figures import FakeFigures
from tests.fakes.journal import FakeJournal
from tests.fakes.storage import InMemoryStorage

Events = Sequence[FeedEvent]
SOON = 0.01


@attrs.define(eq=False)
class Stage:
    storage: InMemoryStorage = attrs.field(factory=InMemoryStorage)
    figures: FakeFigures = attrs.field(factory=FakeFigures)
    encoded: list[Events] = attrs.field(factory=list)
    chunk_bytes: int = 100
    changes: FakeCallChanges = attrs.field(init=False)
    feed: CallFeed[Events] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.changes = FakeCallChanges(self.storage)
        live = FakeLiveCalls(self.storage)
        self.feed = CallFeed(
            *(self.changes, live, live, self.figures, Spool(FakeJournal()), True),
            *(self._encode, lambda _: self.chunk_bytes),
        )

    def _encode(self, events: Events) -> Events:
        self.encoded.append(events)
        return events

    def start(self, *call_ids: str) -> None:
        for call_id in call_ids:
            self.storage.put(Call.start(call_id, at(0)))

    @contextmanager
    def reader(self, after: str | None = None) -> Iterator[FeedReader[Events]]:
        with self.feed.read(after) as reader:
            yield reader


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def told(reader: FeedReader[Events]) -> list[FeedEvent]:
    """All that waits for it now."""
    events: list[FeedEvent] = []
    while (chunk := await reader.next(SOON)) is not None:
        events += chunk
    return events


def calls(events: Events) -> list[str]:
    return [event.call_id for event in events if isinstance(event, Change)]


def last_place(events: Events) -> str:
    return [event.place for event in events if isinstance(event, Change | SnapshotTaken)][-1]


async def test_a_snapshot_and_then_what_changes(stage: Stage) -> None:
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


async def test_what_a_look_finds_is_encoded_once_for_all(stage: Stage) -> None:
    with ExitStack() as stack:
        readers = [stack.enter_context(stage.reader()) for _ in range(25)]
        await stage.feed.look()
        stage.start("c-1")
        await stage.feed.look()
        assert {tuple(calls(await told(reader))) for reader in readers} == {("c-1",)}
    assert len(stage.encoded) == 2
    assert stage.changes.moments == 2


async def test_counts_follow_the_changes(stage: Stage) -> None:
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
            stage.feed._snapshot_at = 0.0
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


async def test_whoever_comes_back_gets_what_it_missed_and_then_what_is_new(stage: Stage) -> None:
    with stage.reader() as reader:
        await stage.feed.look()
        place = last_place(await told(reader))
    stage.start("missed")
    with stage.reader(place) as reader:
        await stage.feed.look()
        stage.start("new")
        await stage.feed.look()
        assert calls(await told(reader)) == ["missed", "new"]


async def test_who_comes_while_a_look_is_taken_joins_with_the_next(stage: Stage) -> None:
    """Where it stands may be later than what that look sees: it would be told some of it again."""
    with stage.reader() as first:
        await stage.feed.look()
        await told(first)
        stage.start("c-1")
        held = HeldChanges(stage.changes)
        stage.feed._changes = held
        look = asyncio.create_task(stage.feed.look())
        await held.has_looked.wait()
        stage.start("c-2")
        later = (await stage.changes.moment(None, 1, False, 0)).place
        with stage.reader(later) as second:
            held.may_tell.set()
            await look
            assert second.joins
            await stage.feed.look()
            assert calls(await told(second)) == []
        assert calls(await told(first)) == ["c-1", "c-2"]


@attrs.frozen(eq=False)
class HeldChanges:
    """Implements CallChanges: what was seen at a moment is told later."""

    _changes: FakeCallChanges
    has_looked: asyncio.Event = attrs.field(factory=asyncio.Event)
    may_tell: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def moment(self, after: str | None, most: int, count: bool, live: int) -> Moment:
        moment = await self._changes.moment(after, most, count, live)
        self.has_looked.set()
        await self.may_tell.wait()
        return moment

    async def between(self, after: str, until: str, most: int) -> Sequence[Change] | None:
        return await self._changes.between(after, until, most)


@pytest.mark.parametrize("place", ["elsewhere/3", "nonsense"])
async def test_who_comes_from_nowhere_gets_a_snapshot(stage: Stage, place: str) -> None:
    with stage.reader(place) as reader:
        await stage.feed.look()
        assert await reader.next(SOON) is None, "it has found out, and waits"
        stage.feed._snapshot_at = 0.0
        await stage.feed.look()
        (snapshot,) = await told(reader)
    assert isinstance(snapshot, SnapshotTaken)


async def test_too_many_changes_are_a_snapshot_for_all(stage: Stage) -> None:
    with stage.reader() as one, stage.reader() as other:
        await stage.feed.look()
        for reader in (one, other):
            await told(reader)
        stage.start(*[f"c-{number}" for number in range(MOST_CHANGES + 1)])
        await stage.feed.look()
        for reader in (one, other):
            (snapshot,) = await told(reader)
            assert isinstance(snapshot, SnapshotTaken)
            assert snapshot.counts[CallState.IN_PROGRESS] == MOST_CHANGES + 1


async def test_who_does_not_read_loses_what_waits_and_gets_a_snapshot(stage: Stage) -> None:
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
        stage.feed._snapshot_at = 0.0
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


async def test_trouble_is_told_and_then_it_goes_on(stage: Stage) -> None:
    with stage.reader() as reader:
        await stage.feed.look()
        place = last_place(await told(reader))
        stage.feed._overview_at = 0.0
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


async def test_who_cannot_catch_up_for_trouble_tries_again_from_where_it_was(stage: Stage) -> None:
    with stage.reader() as reader:
        await stage.feed.look()
        place = last_place(await told(reader))
    stage.start("c-1")
    with stage.reader(place) as reader:
        await stage.feed.look()
        stage.start("c-2")
        await stage.feed.look()
        stage.storage.fail_next("read", StorageUnavailable())
        assert await reader.next(SOON) is None, "c-2 must not come before c-1"
        await stage.feed.look()
        assert calls(await told(reader)) == ["c-1", "c-2"]


async def test_an_overview_every_second_with_progress_and_gaps(stage: Stage) -> None:
    call = Call.start("c-1", at(0))
    stage.storage.put(call)
    with stage.reader() as reader:
        await stage.feed.look()
        await told(reader)
        kinds = []
        for missing in (1, 1, 1):
            call = stage.storage.call("c-1")
            call.last_packet_at = stage.storage.clock.now
            stream = call._stream_to_fill("main")
            stream.add(1 + len(stream.received) + missing, 5)
            stage.storage.put(call)
            stage.feed._overview_at = 0.0
            await stage.feed.look()
            events = await told(reader)
            kinds.append([type(event) for event in events])
            await stage.feed.look()
            assert await told(reader) == [], "the second is not over"
    assert kinds == [
        [CallProgressed, OverviewTaken],
        [CallProgressed, GapStood, OverviewTaken],
        [CallProgressed, OverviewTaken],
    ]


async def test_it_looks_only_while_somebody_reads(stage: Stage) -> None:
    async with running(stage.feed):
        await asyncio.sleep(SOON)
        assert stage.changes.moments == 0
        with stage.reader() as reader:
            assert await reader.next(5) is not None
        await asyncio.sleep(0.3)
        moments = stage.changes.moments
        await asyncio.sleep(0.3)
        assert stage.changes.moments == moments


@asynccontextmanager
async def running(feed: CallFeed[Events]) -> AsyncIterator[None]:
    task = asyncio.create_task(feed.run_for_ever())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_at_the_end_all_are_sent_elsewhere(stage: Stage) -> None:
    with stage.reader() as reader:
        waiting = asyncio.create_task(reader.next(5))
        await asyncio.sleep(0)
        stage.feed.end_all()
        with pytest.raises(Draining):
            await waiting
    with pytest.raises(Draining), stage.reader():
        pass


async def test_there_is_a_bound_on_readers(stage: Stage) -> None:
    with ExitStack() as stack:
        for _ in range(MOST_READERS):
            stack.enter_context(stage.reader())
        with pytest.raises(Overloaded):
            stack.enter_context(stage.reader())
    with stage.reader():
        pass

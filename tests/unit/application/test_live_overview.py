"""What is told once a second."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from application.errors import StorageUnavailable
from application.feed_events import CallProgressed, GapStood, OverviewTaken, SnapshotTaken
from application.feed_ports import AiBacklog, Change, Figures, LiveCall
from application.live_overview import BACKLOG_SHARE, LiveOverview
from application.spool import Spool
from domain.call import Call
from tests.contract.storage.rich_calls import at
from tests.fakes.call_changes import FakeLiveCalls
from tests.fakes.figures import FakeFigures
from tests.fakes.journal import FakeJournal
from tests.fakes.storage import InMemoryStorage, Job
from tests.unit.application.feed_stage import SOON, FeedStage, told

pytestmark = pytest.mark.usefixtures("loop_time")


@pytest.fixture
def stage() -> FeedStage:
    return FeedStage()


async def test_an_overview_every_second_with_progress_and_gaps(stage: FeedStage) -> None:
    stage.start("c-1")
    with stage.reader() as reader:
        await stage.feed.look()
        await told(reader)
        kinds: list[list[type]] = []
        for missing in (1, 1, 1):
            call = stage.storage.call("c-1")
            call.last_packet_at = stage.storage.clock.now
            stream = call._stream_to_fill("main")
            stream.add(1 + len(stream.received) + missing, 5)
            stage.storage.put(call)
            stage.second_is_over()
            await stage.feed.look()
            stage.start(f"new-{len(kinds)}")
            await stage.feed.look()
            events = await reader.next(SOON) or ()
            kinds.append([type(event) for event in events])
            await stage.feed.look()
            assert await told(reader) == [], "the second is not over"
    assert kinds == [
        [CallProgressed, OverviewTaken, Change],
        [CallProgressed, GapStood, OverviewTaken, Change],
        [CallProgressed, OverviewTaken, Change],
    ], "all at once, as it came about"


async def test_the_first_snapshot_has_all_of_the_ai_and_the_overview_follows(stage: FeedStage) -> None:
    stage.storage.jobs["c-1"] = Job(at(0))
    stage.figures.now = Figures(packets=0, acks=(), ai_attempts=7, ai_failures=2)
    stage.second_is_over()
    with stage.reader() as reader:
        await stage.feed.look()
        await stage.feed.look()
        snapshot, overview = await told(reader)
    assert isinstance(snapshot, SnapshotTaken)
    assert (snapshot.ai.attempts, snapshot.ai.failures) == (7, 2)
    assert snapshot.ai.waiting == 1
    assert isinstance(overview, OverviewTaken)


class SlowLiveCalls(FakeLiveCalls):
    """Takes ``seconds`` for an answer."""

    seconds = 0.2

    async def receiving(self, heard_within_seconds: float, most: int) -> Sequence[LiveCall]:
        await asyncio.sleep(self.seconds)
        return await super().receiving(heard_within_seconds, most)

    async def ai_backlog(self) -> AiBacklog:
        await asyncio.sleep(self.seconds)
        return await super().ai_backlog()


async def test_what_takes_long_or_fails_is_asked_for_less_often() -> None:
    """And is left out, where it is not known."""
    storage = InMemoryStorage()
    storage.jobs["c-1"] = Job(at(0))
    live = SlowLiveCalls(storage)
    overview = LiveOverview(live, live, FakeFigures(), Spool(FakeJournal()), True)
    assert await _waiting(overview) == 1
    storage.jobs.clear()
    storage.fail_next("live", StorageUnavailable())
    storage.fail_next("live", StorageUnavailable())
    assert await _waiting(overview) == 1, "as it was when it was asked"
    assert len(storage.troubles["live"]) == 2, "nobody asked"
    rest_seconds = live.seconds / BACKLOG_SHARE
    await asyncio.sleep(rest_seconds)
    assert await _waiting(overview) is None
    assert await _waiting(overview) is None, "nor is it asked again soon"
    await asyncio.sleep(rest_seconds)
    assert await _waiting(overview) == 0


async def _waiting(overview: LiveOverview) -> int | None:
    (event,) = await overview.take(at(0), None)
    assert isinstance(event, OverviewTaken)
    return event.ai.waiting


async def test_after_a_quiet_time_nothing_is_told_of_what_was_before() -> None:
    """The rates of a second that is long over, and gaps that nobody saw stand."""
    storage = InMemoryStorage()
    call = Call.start("c-1", at(0))
    call.last_packet_at = storage.clock.now
    stream = call._stream_to_fill("main")
    for sequence in (1, 4):
        stream.add(sequence, 5)
    storage.put(call)
    figures = FakeFigures()
    live = FakeLiveCalls(storage)
    overview = LiveOverview(live, live, figures, Spool(FakeJournal()), True)
    await overview.take(at(0), None)
    figures.now = Figures(packets=100, acks=(), ai_attempts=0, ai_failures=0)
    *_, busy = await overview.take(at(1), None)
    assert isinstance(busy, OverviewTaken)
    assert busy.packets_per_second == 100
    overview.forget()
    overview._receiving_time._again_at = 0.0
    progress, quiet = await overview.take(at(9_000), None)
    assert isinstance(progress, CallProgressed)
    assert isinstance(quiet, OverviewTaken)
    assert quiet.packets_per_second == 0
    assert overview.due_in_seconds > 0

"""The feed over fakes, its clocks moved by hand, and what its readers were told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import attrs

from application.call_feed import CallFeed
from application.feed_events import FeedEvent, SnapshotTaken
from application.feed_ports import Change
from application.feed_reader import FeedReader
from application.live_overview import LiveOverview
from application.spool import Spool
from domain.call import Call
from tests.contract.storage.rich_calls import at
from tests.fakes.call_changes import FakeCallChanges, FakeLiveCalls
from tests.fakes.figures import FakeFigures
from tests.fakes.held_changes import HeldChanges
from tests.fakes.journal import FakeJournal
from tests.fakes.storage import InMemoryStorage

Events = Sequence[FeedEvent]
SOON = 0.01


@attrs.define(eq=False)
class FeedStage:
    """``encoded`` has what was; ``encoding_fails`` is raised in its place, once."""

    storage: InMemoryStorage = attrs.field(factory=InMemoryStorage)
    figures: FakeFigures = attrs.field(factory=FakeFigures)
    encoded: list[Events] = attrs.field(factory=list)
    encoding_fails: BaseException | None = None
    chunk_bytes: int = 100
    changes: FakeCallChanges = attrs.field(init=False)
    held: HeldChanges = attrs.field(init=False)
    overview: LiveOverview = attrs.field(init=False)
    feed: CallFeed[Events] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.changes = FakeCallChanges(self.storage)
        self.held = HeldChanges(self.changes)
        live = FakeLiveCalls(self.storage)
        self.overview = LiveOverview(live, live, self.figures, Spool(FakeJournal()), True)
        self.overview._due_at = float("inf")
        self.feed = CallFeed(self.held, self.overview, self._encode, lambda _: self.chunk_bytes)

    async def _encode(self, events: Events) -> Events:
        if self.encoding_fails is not None:
            error, self.encoding_fails = self.encoding_fails, None
            raise error
        self.encoded.append(events)
        return events

    def start(self, *call_ids: str) -> None:
        for call_id in call_ids:
            self.storage.put(Call.start(call_id, at(0)))

    def second_is_over(self) -> None:
        """An overview is due, and whatever took long before may be asked again."""
        self.overview._due_at = 0.0
        for spent in (self.overview._receiving_time, self.overview._backlog_time):
            spent._again_at = 0.0

    def snapshot_may_be_taken(self) -> None:
        """The last was long ago."""
        self.feed._snapshot_at = 0.0

    @contextmanager
    def reader(self, after: str | None = None) -> Iterator[FeedReader[Events]]:
        with self.feed.read(after) as reader:
            yield reader


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

"""What the fake units of work share: the committed state, the row locks, and the trouble a test plans."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from copy import deepcopy
from datetime import datetime
from typing import Literal

import attrs

from application.ports import CallView
from domain.call import Call
from domain.errors import TrunklineError
from domain.events import RecordedEvent
from domain.packet import Packet, PacketKey
from tests.fakes.clock import FakeClock

Step = Literal["begin", "lock", "save", "commit", "read", "count", "live"]


@attrs.define
class Job:
    """A wake-up: it waits until ``due``, or is picked and runs."""

    due: datetime
    is_picked: bool = False


@attrs.frozen
class Trouble:
    """``stored`` says whether a commit that answers with the error made everything durable before."""

    error: TrunklineError
    stored: bool


@attrs.define(eq=False)
class InMemoryStorage:
    """Only what was committed is in here; what comes out of it are copies."""

    clock: FakeClock = attrs.field(factory=FakeClock)
    calls: dict[str, Call] = attrs.field(factory=dict)
    events: dict[str, list[RecordedEvent]] = attrs.field(factory=lambda: defaultdict(list))
    feed: list[tuple[str, RecordedEvent]] = attrs.field(factory=list)
    """The events of all calls, as they were committed."""
    packets: dict[PacketKey, Packet] = attrs.field(factory=dict)
    jobs: dict[str, Job] = attrs.field(factory=dict)
    commits: int = 0
    locks: dict[str, asyncio.Lock] = attrs.field(factory=lambda: defaultdict(asyncio.Lock))
    troubles: dict[Step, deque[Trouble | None]] = attrs.field(factory=lambda: defaultdict(deque))

    def fail_next(self, step: Step, error: TrunklineError, *, stored: bool = False) -> None:
        """The next ``step`` of any unit raises ``error``; told again, the one after it too."""
        self.troubles[step].append(Trouble(error, stored))

    def skip(self, step: Step, times: int) -> None:
        """Let so many go well before the trouble that is told next."""
        self.troubles[step].extend([None] * times)

    def trouble_at(self, step: Step) -> Trouble | None:
        return self.troubles[step].popleft() if self.troubles[step] else None

    def call(self, call_id: str) -> Call:
        """A copy of a committed call."""
        return deepcopy(self.calls[call_id])

    def put(self, call: Call) -> None:
        """Have a call as if it had been committed."""
        for event in call.take_unsaved_events():
            self.add_event(call.call_id, event)
        self.calls[call.call_id] = deepcopy(call)

    def add_event(self, call_id: str, event: RecordedEvent) -> None:
        self.events[call_id].append(event)
        self.feed.append((call_id, event))

    def views(self) -> list[CallView]:
        return [CallView(self.call(call_id), tuple(self.events[call_id])) for call_id in self.calls]

    def event_names(self, call_id: str) -> list[str]:
        return [recorded.event.name for recorded in self.events[call_id]]

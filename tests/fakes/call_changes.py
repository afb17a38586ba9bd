"""The feed of changes over the fake storage: a place is how many were told, in the order of their commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import attrs

from application.feed_ports import AiBacklog, Change, CountedCalls, LiveCall, Moment
from domain.audio_stream import AudioStream
from domain.call import Call
from domain.call_state import CallState
from tests.fakes.storage import InMemoryStorage, Step


@attrs.define(eq=False)
class FakeCallChanges:
    """Implements CallChanges. ``name`` tells the storage from others."""

    _storage: InMemoryStorage
    name: str = "fake"
    most_read: int = 0
    """Changes at once, of all that it was asked for."""
    moments: int = 0
    betweens: int = 0
    counts: int = 0

    async def moment(self, after: str | None, most_changes: int, most_live: int) -> Moment:
        self.moments += 1
        self._fail_as_planned("read")
        changes = self._since(after, len(self._storage.feed), most_changes) if after is not None else []
        return Moment(
            self._place(len(self._storage.feed)),
            self._storage.clock.now,
            changes,
            self._live(most_live) if most_live else None,
        )

    async def between(self, after: str, until: str, most_changes: int) -> Sequence[Change] | None:
        self.betweens += 1
        self._fail_as_planned("read")
        return self._since(after, self._number(until) or 0, most_changes)

    async def count(self) -> CountedCalls:
        self.counts += 1
        self._fail_as_planned("count")
        calls = list(self._storage.calls.values())
        by_state = {state: sum(call.state is state for call in calls) for state in CallState}
        return CountedCalls(self._place(len(self._storage.feed)), by_state)

    async def count_on(self, counted: CountedCalls, until: str, most_changes: int) -> CountedCalls | None:
        self._fail_as_planned("count")
        first, last = self._number(counted.place), self._number(until)
        if first is None or last is None or not 0 <= last - first <= most_changes:
            return None
        by_state = dict(counted.by_state)
        for change in map(self._change, range(first, last)):
            if change.state_before is not None:
                by_state[change.state_before] -= 1
            by_state[change.recorded.state] += 1
        return CountedCalls(until, by_state)

    def _since(self, after: str, until: int, most: int) -> list[Change] | None:
        number = self._number(after)
        if number is None or number > until or until - number > most:
            return None
        self.most_read = max(self.most_read, until - number)
        return [self._change(index) for index in range(number, until)]

    def _change(self, index: int) -> Change:
        call_id, recorded = self._storage.feed[index]
        before = [event for event in self._storage.events[call_id] if event.version == recorded.version - 1]
        return Change(self._place(index + 1), call_id, recorded, before[0].state if before else None)

    def _live(self, most: int) -> list[Call]:
        calls = [call for call in self._storage.calls.values() if call.state is CallState.IN_PROGRESS]
        newest_first = sorted(calls, key=lambda call: (call.started_at, call.call_id), reverse=True)
        return [self._storage.call(call.call_id) for call in newest_first[:most]]

    def _place(self, number: int) -> str:
        return f"{self.name}/{number}"

    def _number(self, place: str) -> int | None:
        name, _, number = place.partition("/")
        return int(number) if name == self.name and number.isdecimal() else None

    def _fail_as_planned(self, step: Step) -> None:
        if trouble := self._storage.trouble_at(step):
            raise trouble.error


@attrs.define(eq=False)
class FakeLiveCalls:
    """Implements LiveCalls and AiBacklogReader."""

    _storage: InMemoryStorage

    async def receiving(self, heard_within_seconds: float, most: int) -> Sequence[LiveCall]:
        self._fail_as_planned()
        since = self._storage.clock.now - timedelta(seconds=heard_within_seconds)
        calls = sorted(
            (call for call in self._storage.calls.values() if call.state is CallState.IN_PROGRESS),
            key=lambda call: (call.started_at, call.call_id),
            reverse=True,
        )
        return [
            LiveCall(call.call_id, call.media, _copies(call))
            for call in calls[:most]
            if call.last_packet_at is not None and call.last_packet_at >= since
        ]

    async def ai_backlog(self) -> AiBacklog:
        self._fail_as_planned()
        now = self._storage.clock.now
        jobs = list(self._storage.jobs.values())
        waiting = [job for job in jobs if not job.is_picked]
        overdue = [(now - job.due).total_seconds() for job in waiting if job.due <= now]
        return AiBacklog(len(waiting), len(jobs) - len(waiting), max(overdue, default=None))

    def _fail_as_planned(self) -> None:
        if trouble := self._storage.trouble_at("live"):
            raise trouble.error


def _copies(call: Call) -> tuple[AudioStream, ...]:
    return tuple(call.streams[name].copy() for name in sorted(call.streams))

"""The feed of changes over the fake storage: a place is how many were told, in the order of their commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import attrs

from application.feed_ports import AiBacklog, Change, LiveCall, Moment
from domain.audio_stream import AudioStream
from domain.call import Call
from domain.call_state import CallState
from tests.fakes.storage import InMemoryStorage


@attrs.define(eq=False)
class FakeCallChanges:
    """Implements CallChanges. ``name`` tells the storage from others."""

    _storage: InMemoryStorage
    name: str = "fake"
    moments: int = 0

    async def moment(self, after: str | None, most: int, count: bool, live: int) -> Moment:
        self.moments += 1
        self._fail_as_planned()
        changes = self._since(after, len(self._storage.feed), most) if after is not None else []
        calls = list(self._storage.calls.values())
        counts = {state: sum(call.state is state for call in calls) for state in CallState}
        return Moment(
            self._place(len(self._storage.feed)),
            self._storage.clock.now,
            changes,
            counts if count else None,
            self._live(live) if live else None,
        )

    async def between(self, after: str, until: str, most: int) -> Sequence[Change] | None:
        self._fail_as_planned()
        return self._since(after, self._number(until) or 0, most)

    def _since(self, after: str, until: int, most: int) -> list[Change] | None:
        number = self._number(after)
        if number is None or number > until or until - number > most:
            return None
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

    def _fail_as_planned(self) -> None:
        if trouble := self._storage.trouble_at("read"):
            raise trouble.error


@attrs.define(eq=False)
class FakeLiveCalls:
    """Implements LiveCalls and AiBacklogReader."""

    _storage: InMemoryStorage

    async def receiving(self, heard_within_seconds: float, most: int) -> Sequence[LiveCall]:
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
        now = self._storage.clock.now
        jobs = list(self._storage.jobs.values())
        waiting = [job for job in jobs if not job.is_picked]
        overdue = [(now - job.due).total_seconds() for job in waiting if job.due <= now]
        return AiBacklog(len(waiting), len(jobs) - len(waiting), max(overdue, default=None))


def _copies(call: Call) -> tuple[AudioStream, ...]:
    return tuple(call.streams[name].copy() for name in sorted(call.streams))

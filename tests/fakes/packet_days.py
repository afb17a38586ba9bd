"""Days of packets over the storage that the fake units of work share."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, date

import attrs

from domain.call_state import CallState
from tests.fakes.storage import InMemoryStorage


@attrs.define(eq=False)
class FakePacketDays:
    """Implements PacketDays. There is room for every packet, whatever was prepared."""

    storage: InMemoryStorage
    prepared: set[date] = attrs.field(factory=set, init=False)

    async def today(self) -> date:
        return self.storage.clock.now.date()

    async def prepare(self, days: Collection[date]) -> None:
        self.prepared |= set(days)

    async def kept(self) -> Sequence[date]:
        return sorted(self.prepared)

    async def states_of_calls(self, day: date, among: Collection[CallState]) -> set[CallState]:
        return {
            call.state
            for call in self.storage.calls.values()
            if self._day_of(call.call_id) == day and call.state in among
        }

    async def drop(self, day: date) -> bool:
        if day not in self.prepared:
            return False
        self.prepared.remove(day)
        for key in [key for key in self.storage.packets if self._day_of(key.call_id) == day]:
            del self.storage.packets[key]
        return True

    def _day_of(self, call_id: str) -> date:
        return self.storage.calls[call_id].started_at.astimezone(UTC).date()

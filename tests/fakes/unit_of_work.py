"""A unit of work in memory that keeps the whole promise: it locks, it rolls back, and it can fail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from datetime import datetime

import attrs

from application.errors import BatchRefused, CallStartedElsewhere, StorageUnavailable
from application.unit_of_work import open_unit_of_work
from domain.call import Call
from domain.call_state import CallState
from domain.events import RecordedEvent
from domain.packet import Packet, PacketKey
from tests.fakes.job_queue import FakeJobQueue
from tests.fakes.storage import InMemoryStorage, Step


@attrs.define(eq=False)
class FakeUnitOfWork:
    """Sees what is committed and its own changes; nobody sees those before they are committed."""

    storage: InMemoryStorage
    jobs: FakeJobQueue
    now: datetime
    saved: dict[str, Call] = attrs.field(factory=dict, init=False)
    events: list[tuple[str, RecordedEvent]] = attrs.field(factory=list, init=False)
    added: dict[PacketKey, Packet] = attrs.field(factory=dict, init=False)
    locked: set[str] = attrs.field(factory=set, init=False)
    loaded: set[str] = attrs.field(factory=set, init=False)
    is_broken: bool = attrs.field(default=False, init=False)
    is_over: bool = attrs.field(default=False, init=False)

    @property
    def calls(self) -> FakeCallRepository:
        return FakeCallRepository(self)

    @property
    def packets(self) -> FakePacketRepository:
        return FakePacketRepository(self)

    async def commit(self) -> None:
        if self.is_broken:
            raise StorageUnavailable
        self.is_over = True
        trouble = self.storage.trouble_at("commit")
        if trouble is None or trouble.stored:
            self._make_durable()
        if trouble is not None:
            raise trouble.error

    def _make_durable(self) -> None:
        self.storage.commits += 1
        self.storage.calls |= deepcopy(self.saved)
        self.storage.packets |= self.added
        for call_id, event in self.events:
            self.storage.add_event(call_id, event)
        self.jobs.apply_to(self.storage.jobs)

    def step(self, step: Step) -> None:
        """As in any transaction, one failed statement spoils all that come after it."""
        if self.is_broken:
            raise StorageUnavailable
        if trouble := self.storage.trouble_at(step):
            self.is_broken = True
            raise trouble.error

    async def hold(self, call_id: str) -> None:
        if call_id not in self.locked:
            await self.storage.locks[call_id].acquire()
            self.locked.add(call_id)

    def let_go(self) -> None:
        for call_id in self.locked:
            self.storage.locks[call_id].release()


@attrs.frozen
class FakeCallRepository:
    _unit: FakeUnitOfWork

    async def lock(self, call_ids: Collection[str]) -> dict[str, Call]:
        unit, storage = self._unit, self._unit.storage
        unit.step("lock")
        for call_id in sorted(call_ids):
            if call_id in storage.calls:
                await unit.hold(call_id)
        unit.now = storage.clock.now
        known = storage.calls | unit.saved
        calls = {call_id: deepcopy(known[call_id]) for call_id in call_ids if call_id in known}
        unit.loaded |= calls.keys()
        return calls

    async def save(self, calls: Collection[Call]) -> None:
        unit = self._unit
        unit.step("save")
        for call in sorted(calls, key=lambda call: call.call_id):
            if call.call_id not in unit.loaded:
                await self._insert(call)
            unit.events += [(call.call_id, event) for event in call.take_unsaved_events()]
            unit.saved[call.call_id] = deepcopy(call)

    async def silent_since(self, at: datetime, most: int) -> list[str]:
        unit = self._unit
        unit.step("read")
        known = unit.storage.calls | unit.saved
        silent = [
            (call.started_at, call.call_id)
            for call in known.values()
            if call.state is CallState.IN_PROGRESS and (call.last_packet_at or call.started_at) <= at
        ]
        return [call_id for _, call_id in sorted(silent)[:most]]

    async def _insert(self, call: Call) -> None:
        """Waits for whoever is just inserting the same call, as a unique key does."""
        await self._unit.hold(call.call_id)
        if call.call_id in self._unit.storage.calls:
            raise CallStartedElsewhere
        self._unit.loaded.add(call.call_id)


@attrs.frozen
class FakePacketRepository:
    _unit: FakeUnitOfWork

    async def data_of(self, keys: Collection[PacketKey]) -> dict[PacketKey, bytes]:
        self._unit.step("lock")
        stored = self._unit.storage.packets | self._unit.added
        return {key: stored[key].data for key in keys if key in stored}

    async def add(self, packets: Sequence[Packet]) -> None:
        self._unit.step("save")
        for packet in packets:
            if packet.key in self._unit.storage.packets or packet.key in self._unit.added:
                self._unit.is_broken = True
                raise BatchRefused("a packet is stored already")
            self._unit.added[packet.key] = packet


@attrs.frozen
class FakeUnitsOfWork:
    """Implements UnitOfWorkFactory over one storage."""

    storage: InMemoryStorage

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[FakeUnitOfWork]:
        unit = FakeUnitOfWork(self.storage, FakeJobQueue(self.storage), self.storage.clock.now)
        unit.step("begin")
        try:
            with open_unit_of_work():
                yield unit
        finally:
            unit.let_go()

"""A storage under test, and the little that a test must see or do behind its ports."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol

import asyncpg
import attrs

from adapters.postgres.call_changes import PostgresCallChanges
from adapters.postgres.call_reader import PostgresCallReader
from adapters.postgres.live_calls import PostgresLiveCalls
from adapters.postgres.packet_days import PostgresPacketDays
from adapters.postgres.reprocess_batches import PostgresReprocessBatches
from adapters.postgres.unit_of_work import PostgresUnitsOfWork
from application.feed_ports import AiBacklogReader, CallChanges, LiveCalls
from application.ports import BacklogReader, CallReader, CallView, PacketDays
from application.reprocess_ports import ReprocessBatches
from application.unit_of_work import UnitOfWork, UnitOfWorkFactory
from domain.call import Call
from domain.packet import Packet
from tests.contract.storage.rich_calls import START
from tests.fakes.call_changes import FakeCallChanges, FakeLiveCalls
from tests.fakes.packet_days import FakePacketDays
from tests.fakes.reprocess_batches import FakeReprocessBatches
from tests.fakes.storage import Job
from tests.fakes.storage_reader import FakeStorageReader
from tests.fakes.unit_of_work import FakeUnitsOfWork


class ReadingPorts(CallReader, BacklogReader, Protocol):
    """Both that the reading side implements."""


class LivePorts(LiveCalls, AiBacklogReader, Protocol):
    """Both that tell what goes on."""


class StorageArrangement(Protocol):
    """What a contract test works with."""

    @property
    def units(self) -> UnitOfWorkFactory: ...

    @property
    def reader(self) -> ReadingPorts: ...

    @property
    def days(self) -> PacketDays: ...

    @property
    def changes(self) -> CallChanges: ...

    @property
    def live(self) -> LivePorts: ...

    @property
    def batches(self) -> ReprocessBatches: ...

    async def jobs(self) -> dict[str, Job]:
        """By call."""
        ...

    async def pick_job(self, call_id: str) -> None:
        """Have someone run the call's job."""
        ...

    async def make_job_older(self, call_id: str, seconds: float) -> None: ...


@attrs.frozen
class InMemoryArrangement:
    units: FakeUnitsOfWork
    reader: FakeStorageReader
    days: FakePacketDays
    changes: FakeCallChanges
    live: FakeLiveCalls
    batches: FakeReprocessBatches

    async def jobs(self) -> dict[str, Job]:
        return self.units.storage.jobs

    async def pick_job(self, call_id: str) -> None:
        self.units.storage.jobs[call_id].is_picked = True

    async def make_job_older(self, call_id: str, seconds: float) -> None:
        self.units.storage.jobs[call_id].due -= timedelta(seconds=seconds)


@attrs.frozen
class PostgresArrangement:
    units: PostgresUnitsOfWork
    reader: PostgresCallReader
    days: PostgresPacketDays
    changes: PostgresCallChanges
    live: PostgresLiveCalls
    batches: PostgresReprocessBatches
    pool: asyncpg.Pool

    async def jobs(self) -> dict[str, Job]:
        rows = await self.pool.fetch("SELECT payload, execute_after, status FROM pgqueuer")
        return {row["payload"].decode(): Job(row["execute_after"], row["status"] == "picked") for row in rows}

    async def pick_job(self, call_id: str) -> None:
        await self.pool.execute("UPDATE pgqueuer SET status = 'picked' WHERE payload = $1", call_id.encode())

    async def make_job_older(self, call_id: str, seconds: float) -> None:
        await self.pool.execute(
            "UPDATE pgqueuer SET execute_after = execute_after - $2::interval WHERE payload = $1",
            call_id.encode(),
            timedelta(seconds=seconds),
        )


async def save(storage: StorageArrangement, *calls: Call) -> None:
    """Commit new calls."""
    async with storage.units() as unit:
        await unit.calls.save(calls)
        await unit.commit()


async def change(storage: StorageArrangement, call_id: str, happen: Callable[[Call], object]) -> None:
    """Lock, change and commit one call."""
    async with storage.units() as unit:
        call = (await unit.calls.lock([call_id]))[call_id]
        happen(call)
        await unit.calls.save([call])
        await unit.commit()


async def fail_in_unit(
    storage: StorageArrangement, error: BaseException, write: Callable[[UnitOfWork], Awaitable[object]]
) -> None:
    """Let ``error`` end a unit in which something was written."""
    async with storage.units() as unit:
        await write(unit)
        raise error


async def load(storage: StorageArrangement, call_id: str) -> Call:
    async with storage.units() as unit:
        return (await unit.calls.lock([call_id]))[call_id]


async def view(storage: StorageArrangement, call_id: str) -> CallView:
    found = await storage.reader.find(call_id)
    assert found is not None
    return found


async def add_packets(storage: StorageArrangement, *packets: Packet) -> None:
    """Store packets as they are; calls that are not known are started."""
    call_ids = {packet.call_id for packet in packets}
    async with storage.units() as unit:
        known = await unit.calls.lock(call_ids)
        await unit.calls.save([Call.start(call_id, START) for call_id in call_ids - known.keys()])
        await unit.packets.add(packets)
        await unit.commit()


def packet(
    sequence: int,
    data: bytes = b"sound",
    *,
    call_id: str = "c-1",
    stream: str = "main",
    timestamp: float = 1.5,
) -> Packet:
    return Packet(call_id, stream, sequence, timestamp, data)


async def is_waiting(work: asyncio.Task[object]) -> bool:
    """Whether the work, given every chance to go on, does not end."""
    done, _ = await asyncio.wait({work}, timeout=0.1)
    return not done


def move_on(storage: StorageArrangement, seconds: float) -> None:
    """A clock that stands still must be moved."""
    memory = getattr(storage.units, "storage", None)
    if memory is not None:
        memory.clock.advance(seconds)

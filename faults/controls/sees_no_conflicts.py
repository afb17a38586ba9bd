"""The guard that is off: a packet is not compared with the one that is stored under its number."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager

import attrs

from adapters.postgres.unit_of_work import PostgresUnitOfWork, PostgresUnitsOfWork
from application.ports import PacketRepository
from domain.packet import Packet, PacketKey
from faults.controls.variant import run_with


@attrs.frozen
class _Unread:
    """Implements PacketRepository, and finds nothing that was stored."""

    _packets: PacketRepository

    async def data_of(self, keys: Collection[PacketKey]) -> dict[PacketKey, bytes]:
        return {}

    async def add(self, packets: Sequence[Packet]) -> None:
        await self._packets.add(packets)


@attrs.frozen
class SeesNoConflicts:
    """Implements UnitOfWorkFactory."""

    _units: PostgresUnitsOfWork

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[PostgresUnitOfWork]:
        async with self._units() as unit:
            unit.packets = _Unread(unit.packets)  # type: ignore[assignment] # this is the guard
            yield unit


if __name__ == "__main__":
    sys.exit(run_with(SeesNoConflicts))

"""The guard that is off: a packet is not compared with the one that is stored under its number."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence

import attrs

from adapters.postgres.unit_of_work import PostgresUnitOfWork
from application.ports import PacketRepository
from domain.packet import Packet, PacketKey
from faults.controls.variant import run_with_changed_units


@attrs.frozen
class _Unread:
    """Implements PacketRepository, and finds nothing that was stored."""

    _packets: PacketRepository

    async def data_of(self, keys: Collection[PacketKey]) -> dict[PacketKey, bytes]:
        return {}

    async def add(self, packets: Sequence[Packet]) -> None:
        await self._packets.add(packets)


async def see_no_conflicts(unit: PostgresUnitOfWork) -> None:
    unit.packets = _Unread(unit.packets)  # type: ignore[assignment] # this is the guard


if __name__ == "__main__":
    sys.exit(run_with_changed_units(see_no_conflicts))

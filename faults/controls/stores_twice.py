"""The guards that are off: a call does not know which packets it has, and no key of the table does either."""

from __future__ import annotations

import sys
from collections.abc import Collection
from datetime import date

import attrs
from dependency_injector import providers

from adapters.postgres.packet_days import PostgresPacketDays
from domain.call import Call
from entrypoints.container import Container
from faults.controls.other_calls import with_rules
from faults.controls.variant import run_with_changed_units


class _Forgetful(Call):
    """Takes every packet for a new one."""

    __slots__ = ()

    def has(self, stream: str, sequence: int) -> bool:
        return False


@attrs.frozen
class _KeylessDays(PostgresPacketDays):
    """Implements PacketDays. It is asked for room before any packet can come."""

    async def prepare(self, days: Collection[date]) -> None:
        await self._pool.execute("ALTER TABLE packets DROP CONSTRAINT IF EXISTS packets_pkey")
        await PostgresPacketDays.prepare(self, days)


if __name__ == "__main__":
    Container.packet_days.override(providers.Singleton(_KeylessDays, Container.pool))
    sys.exit(run_with_changed_units(with_rules(_Forgetful)))

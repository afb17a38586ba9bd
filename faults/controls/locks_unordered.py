"""The guard that is off: a transaction locks its calls in any order."""

from __future__ import annotations

import random
import sys
from collections.abc import Collection, Sequence
from datetime import datetime

import attrs

from adapters.postgres.call_repository import PostgresCallRepository
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.call import Call
from faults.controls.variant import run_with_changed_units


@attrs.frozen
class _Unordered:
    """Implements CallRepository."""

    _calls: PostgresCallRepository

    @property
    def locked_at(self) -> datetime | None:
        return self._calls.locked_at

    async def lock(self, call_ids: Collection[str]) -> dict[str, Call]:
        await self._calls.lock([])  # for the time, where there are none
        found: dict[str, Call] = {}
        for call_id in random.sample(sorted(call_ids), len(call_ids)):
            found |= await self._calls.lock([call_id])
        return found

    async def save(self, calls: Collection[Call]) -> None:
        await self._calls.save(calls)

    async def silent_since(self, at: datetime, most: int) -> Sequence[str]:
        return await self._calls.silent_since(at, most)


async def lock_unordered(unit: PostgresUnitOfWork) -> None:
    unit.calls = _Unordered(unit.calls)  # type: ignore[assignment] # this is the guard


if __name__ == "__main__":
    sys.exit(run_with_changed_units(lock_unordered))

"""Units of work whose calls follow other rules."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import datetime

import attrs

from adapters.postgres.call_repository import PostgresCallRepository
from adapters.postgres.unit_of_work import PostgresUnitOfWork, PostgresUnitsOfWork
from domain.call import Call


@attrs.frozen
class _OtherCalls:
    """Implements CallRepository."""

    _calls: PostgresCallRepository
    _rules: type[Call]

    @property
    def locked_at(self) -> datetime | None:
        return self._calls.locked_at

    async def lock(self, call_ids: Collection[str]) -> dict[str, Call]:
        calls = await self._calls.lock(call_ids)
        for call in calls.values():
            call.__class__ = self._rules
        return calls

    async def save(self, calls: Collection[Call]) -> None:
        await self._calls.save(calls)

    async def silent_since(self, at: datetime, most: int) -> list[str]:
        return await self._calls.silent_since(at, most)


@attrs.frozen
class WithOtherCalls:
    """Implements UnitOfWorkFactory. ``rules`` has no slots of its own."""

    _units: PostgresUnitsOfWork
    _rules: type[Call]

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[PostgresUnitOfWork]:
        async with self._units() as unit:
            unit.calls = _OtherCalls(unit.calls, self._rules)  # type: ignore[assignment] # this is the guard
            yield unit

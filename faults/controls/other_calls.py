"""Units of work whose calls follow other rules."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import attrs

from adapters.postgres.call_repository import PostgresCallRepository
from adapters.postgres.unit_of_work import PostgresUnitOfWork
from domain.call import Call
from faults.controls.variant import Change


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


def with_rules(rules: type[Call]) -> Change:
    """``rules`` has no slots of its own."""

    async def change(unit: PostgresUnitOfWork) -> None:
        unit.calls = _OtherCalls(unit.calls, rules)  # type: ignore[assignment] # this is the guard

    return change

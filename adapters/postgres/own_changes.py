"""The feed of a storage that another may take the place of, behind the same address."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import attrs

from adapters.postgres.call_changes import PostgresCallChanges
from adapters.postgres.feed_places import Place
from application.feed_ports import Change, CountedCalls, Moment


@attrs.define(eq=False)
class OwnCallChanges:
    """Implements CallChanges. What other servers numbered is forgotten before a storage has its first place.

    Else such an event would be news once this server comes to its number. However long forgetting takes, it
    goes on when a look is given up.
    """

    _changes: PostgresCallChanges
    _storage: str | None = attrs.field(default=None, init=False)
    _forgetting: tuple[str, asyncio.Task[None]] | None = attrs.field(default=None, init=False)

    async def moment(self, after: str | None, most_changes: int, most_live: int) -> Moment:
        while True:
            moment = await self._changes.moment(after, most_changes, most_live)
            storage = Place.parse(moment.place).storage
            if storage == self._storage:
                return moment
            await self._forget(storage)
            self._storage = storage

    async def between(self, after: str, until: str, most_changes: int) -> Sequence[Change] | None:
        return await self._changes.between(after, until, most_changes)

    async def count(self) -> CountedCalls:
        return await self._changes.count()

    async def count_on(self, counted: CountedCalls, until: str, most_changes: int) -> CountedCalls | None:
        return await self._changes.count_on(counted, until, most_changes)

    async def _forget(self, storage: str) -> None:
        if self._forgetting is None or self._forgetting[0] != storage:
            forget = self._changes.forget_other_servers()
            self._forgetting = storage, asyncio.create_task(forget, name="forget other servers")
        forgetting = self._forgetting[1]
        try:
            await asyncio.shield(forgetting)
        finally:
            if forgetting.done():
                self._forgetting = None

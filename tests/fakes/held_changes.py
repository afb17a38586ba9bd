"""A storage that has seen what it is asked for, and tells it when a test lets it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import attrs

from application.feed_ports import CallChanges, Change, CountedCalls, Moment


@attrs.define(eq=False)
class HeldChanges:
    """Implements CallChanges over another. The method that ``holds`` names waits for ``may_tell``."""

    _changes: CallChanges
    holds: str = ""
    has_looked: asyncio.Event = attrs.field(factory=asyncio.Event)
    may_tell: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def moment(self, after: str | None, most_changes: int, most_live: int) -> Moment:
        moment = await self._changes.moment(after, most_changes, most_live)
        await self._wait("moment")
        return moment

    async def between(self, after: str, until: str, most_changes: int) -> Sequence[Change] | None:
        changes = await self._changes.between(after, until, most_changes)
        await self._wait("between")
        return changes

    async def count(self) -> CountedCalls:
        counted = await self._changes.count()
        await self._wait("count")
        return counted

    async def count_on(self, counted: CountedCalls, until: str, most_changes: int) -> CountedCalls | None:
        later = await self._changes.count_on(counted, until, most_changes)
        await self._wait("count_on")
        return later

    async def _wait(self, method: str) -> None:
        if method == self.holds:
            self.has_looked.set()
            await self.may_tell.wait()

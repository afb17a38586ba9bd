"""Calls whose end never comes: the PBX died, or its last word was lost."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

import attrs

from application.errors import TryAgain
from application.unit_of_work import UnitOfWork, UnitOfWorkFactory

_AT_ONCE: Final = 1_000

log = logging.getLogger(__name__)


@attrs.define(eq=False)
class CompleteIdleCalls:
    """Complete calls of which nothing was heard for ``idle_seconds``, and enqueue their processing.

    To be repeated by processes that take packets, any number of them: each call is judged again under its
    lock, and completed once. Silence counts only while this process was there to hear: for one that has
    just begun, or whose database was away, no call is idle before ``idle_seconds`` have passed.
    """

    _units: UnitOfWorkFactory
    _idle_seconds: float
    _listens_since: datetime | None = attrs.field(default=None, init=False)
    _looked_at: datetime | None = attrs.field(default=None, init=False)

    async def __call__(self) -> int:
        """How many calls were completed. Raises TryAgain where the database is in trouble."""
        try:
            idle = await self._find()
            return sum([await self._complete(call_id) for call_id in idle])
        except TryAgain:
            self._looked_at = None
            raise

    async def _find(self) -> list[str]:
        async with self._units() as unit:
            now = await _time(unit)
            if not self._has_listened_long_enough(now):
                return []
            return list(await unit.calls.silent_since(now - self._idle_time, _AT_ONCE))

    def _has_listened_long_enough(self, now: datetime) -> bool:
        was_away = self._looked_at is None or now - self._looked_at > self._idle_time
        if was_away or self._listens_since is None:
            self._listens_since = now
        self._looked_at = now
        return now - self._listens_since >= self._idle_time

    @property
    def _idle_time(self) -> timedelta:
        return timedelta(seconds=self._idle_seconds)

    async def _complete(self, call_id: str) -> bool:
        """Each in a commit of its own, so that packets of other calls never wait for many."""
        async with self._units() as unit:
            call = (await unit.calls.lock([call_id]))[call_id]
            if not call.complete_if_idle(self._idle_seconds, unit.now):
                return False
            await unit.calls.save([call])
            await unit.jobs.schedule(call_id, call.seconds_until_due(unit.now))
            await unit.commit()
        log.info("call %s was completed: no packet of it came for %g s", call_id, self._idle_seconds)
        return True


async def _time(unit: UnitOfWork) -> datetime:
    """A unit knows the storage's time once calls were locked, be they none."""
    await unit.calls.lock([])
    return unit.now

"""Room for packets is made ahead, so that no packet has to wait for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import attrs

from application.ports import PacketDays

DAYS_AHEAD: Final = 7
"""So long may this fail before a packet has to make its own room."""


@attrs.frozen
class PrepareDays:
    """Make room for calls that start today and in the next days. Harmless in any number of processes."""

    _days: PacketDays

    async def __call__(self) -> None:
        """Raises StorageUnavailable."""
        today = await self._days.today()
        await self._days.prepare([today + timedelta(days=ahead) for ahead in range(DAYS_AHEAD + 1)])

"""Audio that is no longer to be kept goes; the call, its transcript and its history stay."""

from __future__ import annotations

import logging

import attrs

from application.ports import PacketDays
from domain.audio_retention import AudioRetention
from domain.call_state import NEEDING_PACKETS

log = logging.getLogger(__name__)


@attrs.frozen
class DropAudio:
    """Drop the packets of days whose time is over, but of none on which a call started that needs them.

    Harmless in any number of processes.
    """

    _days: PacketDays
    _retention: AudioRetention | None
    """None: for ever."""

    async def __call__(self) -> None:
        """Raises StorageUnavailable."""
        if self._retention is None:
            return
        today = await self._days.today()
        for day in await self._days.kept():
            if not self._retention.is_over(day, today):
                continue
            # A call that is done may be asked to be processed again between this question and the drop; its
            # run then fails and says why. One that takes packets cannot come up: no call starts in the past.
            if states := await self._days.states_of_calls(day, NEEDING_PACKETS):
                names = ", ".join(sorted(state.value for state in states))
                log.info("the packets of %s are kept, for calls of that day are still %s", day, names)
            elif await self._days.drop(day):
                log.info("the packets of %s were dropped", day)

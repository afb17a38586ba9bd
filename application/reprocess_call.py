"""Someone wants the AI to work on a call again."""

from __future__ import annotations

import attrs

from application.unit_of_work import UnitOfWork, UnitOfWorkFactory
from domain.call import Call
from domain.errors import AudioDropped, UnknownCall
from domain.packet import PacketKey


@attrs.frozen
class ReprocessCall:
    """Move an archived or failed call back to processing and enqueue it, in one commit."""

    _units: UnitOfWorkFactory

    async def __call__(self, call_id: str) -> Call:
        """Raises UnknownCall, IllegalTransition; AudioDropped where nothing is left to transcribe."""
        async with self._units() as unit:
            call = (await unit.calls.lock([call_id])).get(call_id)
            if call is None:
                raise UnknownCall(call_id)
            call.reprocess(unit.now)
            if not call.transcript_is_current and await _were_dropped(call, unit):
                raise AudioDropped(call_id)
            await unit.calls.save([call])
            await unit.jobs.schedule(call_id, 0)
            await unit.commit()
            return call


async def _were_dropped(call: Call, unit: UnitOfWork) -> bool:
    """Whether packets were received and none is kept, as the unit sees it: they are dropped together."""
    last_of_each = [
        PacketKey(call.call_id, name, stream.next_expected - 1) for name, stream in call.streams.items()
    ]
    return bool(last_of_each) and not await unit.packets.data_of(last_of_each)

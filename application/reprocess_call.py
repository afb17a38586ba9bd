"""Someone wants the AI to work on a call again."""

from __future__ import annotations

import attrs

from application.unit_of_work import UnitOfWorkFactory
from domain.call import Call
from domain.errors import UnknownCall


@attrs.frozen
class ReprocessCall:
    """Move an archived or failed call back to processing and enqueue it, in one commit."""

    _units: UnitOfWorkFactory

    async def __call__(self, call_id: str) -> Call:
        """Raises UnknownCall, IllegalTransition."""
        async with self._units() as unit:
            call = (await unit.calls.lock([call_id])).get(call_id)
            if call is None:
                raise UnknownCall(call_id)
            call.reprocess(unit.now)
            await unit.calls.save([call])
            await unit.jobs.schedule(call_id, 0)
            await unit.commit()
            return call

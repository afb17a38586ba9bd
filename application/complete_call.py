"""The PBX says that a call is over."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from application.unit_of_work import UnitOfWorkFactory
from domain.call import Call
from domain.call_state import CallState
from domain.errors import UnknownCall


@attrs.frozen
class CompleteCall:
    """Complete a call and enqueue its processing, in one commit.

    ``settle_seconds`` is how long packets that overtook each other have to arrive.
    """

    _units: UnitOfWorkFactory
    _settle_seconds: float

    async def __call__(self, call_id: str, final_sequences: Mapping[str, int]) -> Call:
        """The call as it now is; harmless when repeated. Raises UnknownCall, InvalidValue."""
        async with self._units() as unit:
            call = (await unit.calls.lock([call_id])).get(call_id)
            if call is None:
                raise UnknownCall(call_id)
            was_going_on = call.state is CallState.IN_PROGRESS
            call.complete(final_sequences, self._settle_seconds, unit.now)
            if was_going_on:
                await unit.calls.save([call])
                await unit.jobs.schedule(call_id, call.seconds_until_due(unit.now))
                await unit.commit()
            return call

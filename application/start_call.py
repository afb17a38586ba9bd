"""The PBX announces a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from application.errors import CallStartedElsewhere, Overloaded
from application.unit_of_work import UnitOfWork, UnitOfWorkFactory
from domain.call import Call
from domain.media_format import MediaFormat

_RACES_LOST_AT_MOST: Final = 5


@attrs.frozen
class StartCall:
    """Start a call, or find that it was started the same way before."""

    _units: UnitOfWorkFactory

    async def __call__(
        self, call_id: str, media: MediaFormat | None, metadata: Mapping[str, str] | None
    ) -> tuple[Call, bool]:
        """The call, and whether it is new. Raises InvalidValue, CallDiffers."""
        for _ in range(_RACES_LOST_AT_MOST):
            try:
                async with self._units() as unit:
                    return await _start(unit, call_id, media, metadata)
            except CallStartedElsewhere:
                continue
        raise Overloaded("the same call is being started by several processes")


async def _start(
    unit: UnitOfWork, call_id: str, media: MediaFormat | None, metadata: Mapping[str, str] | None
) -> tuple[Call, bool]:
    known = (await unit.calls.lock([call_id])).get(call_id)
    if known is not None:
        known.start_again(media, metadata)
        return known, False
    call = Call.start(call_id, unit.now, media, metadata)
    await unit.calls.save([call])
    await unit.commit()
    return call, True

"""Whether packets are stored already, whatever their call takes by now."""

from __future__ import annotations

import attrs

from application.unit_of_work import UnitOfWorkFactory
from domain.delivery import Delivery
from domain.errors import InvalidValue


@attrs.frozen
class AreStored:
    _units: UnitOfWorkFactory

    async def __call__(self, delivery: Delivery) -> bool:
        """Whether every packet of the delivery is, with the same data. Raises StorageUnavailable."""
        async with self._units() as unit:
            call = (await unit.calls.lock([delivery.call_id])).get(delivery.call_id)
            if call is None:
                return False
            stored = await unit.packets.data_of(call.received_before(delivery))
        try:
            return all(
                stored.get(packet.key) == call.media.decode(packet.data) for packet in delivery.packets
            )
        except InvalidValue:
            return False

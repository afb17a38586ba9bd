"""Packets of many calls, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import attrs

from application.errors import CallStartedElsewhere, OthersFirst, Overloaded, RoomMade
from application.unit_of_work import UnitOfWork, UnitOfWorkFactory
from domain.call import Call
from domain.delivery import Delivery, DeliveryReceipt
from domain.errors import TrunklineError
from domain.packet import Packet, PacketKey

Outcome = DeliveryReceipt | TrunklineError
"""Of one delivery: its receipt, or why it was refused."""

_RACES_LOST_AT_MOST: Final = 5


@attrs.frozen
class ReceivePackets:
    """Store packets; a packet of an unknown call starts the call.

    Answers one outcome for each delivery, in order, once all that was accepted is durable. A delivery
    that a call's rules refuse never fails another.
    """

    _units: UnitOfWorkFactory
    _may_start: Callable[[], bool] = lambda: True
    """Whether a packet of an unknown call may start it now; asked for each batch that has such."""
    _is_replay: bool = False
    """Whether what comes was taken before, and is perhaps carried out already: no duplicate of it counts."""

    async def __call__(self, batch: Sequence[Delivery]) -> list[Outcome]:
        """Raises TryAgain of every kind, and BatchRefused: then for the whole batch."""
        for _ in range(_RACES_LOST_AT_MOST):
            try:
                async with self._units() as unit:
                    return await _receive(unit, batch, self._may_start, self._is_replay)
            except (CallStartedElsewhere, RoomMade):
                continue
        raise Overloaded("the same calls are being started by several processes")


async def _receive(
    unit: UnitOfWork, batch: Sequence[Delivery], may_start: Callable[[], bool], is_replay: bool
) -> list[Outcome]:
    call_ids = {delivery.call_id for delivery in batch}
    calls = await unit.calls.lock(call_ids)
    if len(calls) < len(call_ids) and not may_start():
        raise OthersFirst
    stored = await unit.packets.data_of(_received_before(calls, batch))
    outcomes: list[Outcome] = []
    accepted: list[Packet] = []
    changed: dict[str, Call] = {}
    for delivery in batch:
        try:
            call = calls.get(delivery.call_id) or Call.start(delivery.call_id, unit.now)
            receipt, packets = call.receive(delivery, stored, unit.now, is_replay=is_replay)
        except TrunklineError as refusal:
            outcomes.append(refusal)
            continue
        outcomes.append(receipt)
        accepted += packets
        stored.update((packet.key, packet.data) for packet in packets)
        if packets or (receipt.duplicates and not is_replay):
            changed[call.call_id] = calls[call.call_id] = call
    if changed:
        await _store(unit, changed, accepted)
    return outcomes


def _received_before(calls: dict[str, Call], batch: Sequence[Delivery]) -> set[PacketKey]:
    return {
        key
        for delivery in batch
        if delivery.call_id in calls
        for key in calls[delivery.call_id].received_before(delivery)
    }


async def _store(unit: UnitOfWork, changed: dict[str, Call], accepted: list[Packet]) -> None:
    hastened = sorted(call.call_id for call in changed.values() if call.hasten_if_whole(unit.now))
    await unit.calls.save(changed.values())
    if accepted:
        await unit.packets.add(accepted)
    for call_id in hastened:
        await unit.jobs.hasten(call_id)
    await unit.commit()

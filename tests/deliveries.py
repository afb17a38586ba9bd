"""Packets that are sent alone, and what a PBX reads of their receipts."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import attrs

from domain.call import Call
from domain.delivery import Delivery, DeliveryReceipt
from domain.packet import IncomingPacket, Packet


class ReceiptStatus(Enum):
    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"


@attrs.frozen
class Receipt:
    status: ReceiptStatus
    call_id: str
    stream: str
    sequence: int
    next_expected: int
    missing: tuple[tuple[int, int], ...]


def alone(packet: IncomingPacket) -> Delivery:
    return Delivery(packet.call_id, (packet,))


def receipt_of(packet: IncomingPacket, receipt: DeliveryReceipt) -> Receipt:
    assert receipt.accepted + receipt.duplicates == 1
    (standing,) = receipt.streams
    assert standing.stream == packet.stream
    return Receipt(
        ReceiptStatus.ACCEPTED if receipt.accepted else ReceiptStatus.DUPLICATE,
        receipt.call_id,
        standing.stream,
        packet.sequence,
        standing.next_expected,
        standing.missing,
    )


def receive(
    call: Call, packet: IncomingPacket, stored: bytes | None, at: datetime | None = None
) -> tuple[Receipt, Packet | None]:
    """Have the call take one packet, at its start where nothing else is said.

    ``stored`` is the data under the packet's number, where it is still kept.
    """
    before = {} if stored is None else {packet.key: stored}
    receipt, to_store = call.receive(alone(packet), before, at or call.started_at)
    return receipt_of(packet, receipt), to_store[0] if to_store else None

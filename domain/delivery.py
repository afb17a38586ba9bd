"""Packets that were sent together: all of them are taken, or none."""

from __future__ import annotations

import attrs

from domain.packet import IncomingPacket


@attrs.frozen
class Delivery:
    """What one request or message brought for one call, in the order in which it stood there."""

    call_id: str
    packets: tuple[IncomingPacket, ...]

    streams: tuple[str, ...] = attrs.field(init=False)
    """The names of the streams that it has packets of, in order of appearance."""

    @streams.default
    def _named(self) -> tuple[str, ...]:
        if len(self.packets) == 1:
            return (self.packets[0].stream,)
        return tuple(dict.fromkeys(packet.stream for packet in self.packets))


@attrs.frozen
class StreamStanding:
    """Where a stream stands: every sequence up to ``through`` is there, but those ``missing``.

    ``missing`` holds the first gaps as closed ranges, and where there are more of them ``through`` ends
    before the first that it does not name. ``next_expected`` is one past the highest seen.
    """

    stream: str
    through: int
    next_expected: int
    missing: tuple[tuple[int, int], ...]


@attrs.frozen
class DeliveryReceipt:
    """``streams`` tells of each stream that the delivery had packets of, by name."""

    call_id: str
    accepted: int
    duplicates: int
    streams: tuple[StreamStanding, ...]

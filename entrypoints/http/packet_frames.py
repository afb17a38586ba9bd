"""Packets as WebSocket messages.

A binary message is one to 1,000 packets, back to back. Each is a header of 20 bytes in network byte order
(``struct`` format ``!IQd``) and the data, raw:

======  =====  =========  ==============================================
offset  bytes  type       what
======  =====  =========  ==============================================
0       4      unsigned   length of the data in bytes, 65,536 at most
4       8      unsigned   sequence
12      8      double     timestamp in seconds, IEEE 754
20      n                 the data
======  =====  =========  ==============================================

They belong to the connection's stream. A text message is one packet in JSON, as a POST's body, whose
``stream`` is the connection's where left out. A message without a packet is refused: it says nothing.
"""

from __future__ import annotations

import struct
from typing import Final

import orjson

from domain.errors import DataTooLarge, InvalidValue
from domain.packet import MAX_DATA_BYTES, IncomingPacket
from entrypoints.http import wire
from entrypoints.http.problems import UnreadableBody
from entrypoints.http.structuring import structure

HEADER: Final = struct.Struct("!IQd")
MAX_PACKETS: Final = 1_000
MAX_MESSAGE_BYTES: Final = 1024 * 1024


def packets_of_frame(call_id: str, stream: str, frame: bytes) -> list[IncomingPacket]:
    """Raises UnreadableBody; InvalidValue, with the number of the packet in the frame, counted from 1."""
    packets: list[IncomingPacket] = []
    at = 0
    while at < len(frame):
        if len(packets) == MAX_PACKETS:
            raise UnreadableBody(413, "Too many packets", f"a message has at most {MAX_PACKETS} packets")
        if len(frame) - at < HEADER.size:
            raise _cut_short(len(packets), "header")
        length, sequence, timestamp = HEADER.unpack_from(frame, at)
        at += HEADER.size
        if length > MAX_DATA_BYTES:
            raise DataTooLarge(f"{len(packets) + 1}.data", f"is larger than {MAX_DATA_BYTES} bytes")
        if at + length > len(frame):
            raise _cut_short(len(packets), "data")
        try:
            packet = IncomingPacket(call_id, stream, sequence, timestamp, frame[at : at + length])
        except InvalidValue as error:
            raise InvalidValue(f"{len(packets) + 1}.{error.field}", error.problem) from None
        packets.append(packet)
        at += length
    if not packets:
        raise UnreadableBody(400, "No packets", "a message has a packet at least")
    return packets


def packet_of_text(call_id: str, stream: str, text: str) -> IncomingPacket:
    """Raises UnreadableBody, MalformedBody, InvalidValue."""
    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UnreadableBody(400, "Not JSON", str(error)) from None
    packet = structure(body, wire.SocketPacket)
    named = stream if packet.stream is None else packet.stream
    return IncomingPacket(call_id, named, packet.sequence, packet.timestamp, packet.data)


def _cut_short(packets_before: int, what: str) -> UnreadableBody:
    return UnreadableBody(
        400, "Message cut short", f"it ends within the {what} of its packet {packets_before + 1}"
    )

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
``stream`` is the connection's where left out.
"""

from __future__ import annotations

import struct
from typing import Final

import orjson

from domain.errors import InvalidValue
from domain.packet import IncomingPacket
from entrypoints.http import wire
from entrypoints.http.wire import FieldProblem, MalformedBody

HEADER: Final = struct.Struct("!IQd")
MAX_PACKETS: Final = 1_000
MAX_MESSAGE_BYTES: Final = 1024 * 1024


def packets_of_frame(call_id: str, stream: str, frame: bytes) -> list[IncomingPacket]:
    """Raises MalformedBody, InvalidValue."""
    packets: list[IncomingPacket] = []
    at = 0
    while at < len(frame):
        if len(frame) - at < HEADER.size:
            raise _cut_short(len(packets), "header")
        length, sequence, timestamp = HEADER.unpack_from(frame, at)
        at += HEADER.size
        data = frame[at : at + length]
        if len(data) < length:
            raise _cut_short(len(packets), "data")
        if len(packets) == MAX_PACKETS:
            raise InvalidValue("frame", f"has more than {MAX_PACKETS} packets")
        packets.append(IncomingPacket(call_id, stream, sequence, timestamp, data))
        at += length
    return packets


def packet_of_text(call_id: str, stream: str, text: str) -> IncomingPacket:
    """Raises MalformedBody, InvalidValue."""
    try:
        body = orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        raise MalformedBody([FieldProblem("", "is not JSON")]) from None
    packet = wire.structure(body, wire.SocketPacket)
    named = stream if packet.stream is None else packet.stream
    return IncomingPacket(call_id, named, packet.sequence, packet.timestamp, packet.data)


def _cut_short(packets_before: int, what: str) -> InvalidValue:
    return InvalidValue("frame", f"ends within the {what} of its packet {packets_before + 1}")

"""What comes in, and the receipt that goes out."""

from __future__ import annotations

from math import isfinite
from typing import Final, NamedTuple

import attrs

from domain.errors import DataTooLarge, InvalidValue

MAX_SEQUENCE: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps exact."""

MAX_DATA_BYTES: Final = 64 * 1024
"""Of a packet's data as it was sent, text in UTF-8."""

DEFAULT_STREAM: Final = "main"


class PacketKey(NamedTuple):
    """What identifies a packet for ever."""

    call_id: str
    stream: str
    sequence: int


@attrs.frozen
class IncomingPacket:
    """A packet as it was sent, within bounds. ``timestamp`` is the sender's, in seconds.

    ``data`` is raw, or text as it stands in JSON: what a call's media makes of that, the call decides.
    Raises InvalidValue, DataTooLarge.
    """

    call_id: str
    stream: str
    sequence: int
    timestamp: float
    data: str | bytes

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.sequence <= MAX_SEQUENCE:
            raise InvalidValue("sequence", f"must be from 0 to {MAX_SEQUENCE}")
        if not isfinite(self.timestamp):
            raise InvalidValue("timestamp", "must be a finite number")
        if _byte_count(self.data) > MAX_DATA_BYTES:
            raise DataTooLarge("data", f"is larger than {MAX_DATA_BYTES} bytes")

    @property
    def key(self) -> PacketKey:
        return PacketKey(self.call_id, self.stream, self.sequence)


@attrs.frozen
class Packet:
    """A packet as it is stored: ``data`` holds the decoded bytes."""

    call_id: str
    stream: str
    sequence: int
    timestamp: float
    data: bytes

    @property
    def key(self) -> PacketKey:
        return PacketKey(self.call_id, self.stream, self.sequence)


def _byte_count(data: str | bytes) -> int:
    if isinstance(data, bytes) or data.isascii() or len(data) > MAX_DATA_BYTES:
        return len(data)
    return len(data.encode("utf-8", "surrogatepass"))

"""Packets as WebSocket messages, and what the server says of them; docs/packets-by-websocket.md has both."""

from __future__ import annotations

import binascii
import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import attrs

from faults.call_plan import Body

HEADER: Final = struct.Struct("!IQd")
"""Length of the data, sequence, timestamp; written down again, as a client would."""
_REFUSED: Final = re.compile(r"packet (\d+) of (\S+): ")


@attrs.frozen
class Durable:
    """What is durable of a stream by one message: closed ranges, or everything up to a number but gaps."""

    stream: str
    ranges: tuple[tuple[int, int], ...]
    gaps: tuple[tuple[int, int], ...] = ()
    is_spooled: bool = False

    def has(self, stream: str, sequence: int) -> bool:
        return stream == self.stream and _within(sequence, self.ranges) and not _within(sequence, self.gaps)


class Refused(NamedTuple):
    """The packet that a close's reason names."""

    stream: str
    sequence: int


def durable_by(said: dict[str, Any]) -> Iterator[Durable]:
    """By a greeting, an acknowledgement or word of the spool."""
    if "spooled" in said:
        yield Durable(said["spooled"]["stream"], _ranges(said["spooled"]["sequences"]), is_spooled=True)
        return
    for at in said["streams"] if "streams" in said else [said["ack"] | {"missing": said["missing"]}]:
        yield Durable(at["stream"], ((0, at["through"]),), _ranges(at["missing"]))


def refused_by(reason: str) -> Refused | None:
    """None where the reason is of a whole message, or of the connection."""
    named = _REFUSED.match(reason)
    return Refused(named[2], int(named[1])) if named else None


def frame(packets: Iterable[tuple[Body, bytes]]) -> bytes:
    """A binary message of packets with their raw data; they are of the connection's stream."""
    return b"".join(
        HEADER.pack(len(data), body["sequence"], body["timestamp"]) + data for body, data in packets
    )


def raw_data(body: Body, *, is_audio: bool) -> bytes | None:
    """What a binary message has for it; None where it stands for no bytes at all."""
    if not is_audio:
        return str(body["data"]).encode()
    try:
        return binascii.a2b_base64(body["data"], strict_mode=True)
    except (binascii.Error, ValueError):
        return None


def _ranges(pairs: Sequence[Sequence[int]]) -> tuple[tuple[int, int], ...]:
    return tuple((first, last) for first, last in pairs)


def _within(sequence: int, ranges: Iterable[tuple[int, int]]) -> bool:
    return any(first <= sequence <= last for first, last in ranges)

"""WebSocket frames (RFC 6455): a client's masked ones, built ahead, and a server's, read back."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Final, NamedTuple

import attrs

from benchmarks.load.packets import sent_at_seconds

PACKET_HEADER: Final = struct.Struct("!IQd")
"""Of each packet in a binary frame: bytes of data, sequence, timestamp in seconds."""

_FINAL: Final = 0x80
_MASKED: Final = 0x80
_TWO_MORE_BYTES: Final = 126
_EIGHT_MORE_BYTES: Final = 127


class Opcode(IntEnum):
    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class Frame(NamedTuple):
    """A tuple, because a thousand calls receive fifty thousand a second."""

    opcode: int
    is_final: bool
    payload: bytes


class BrokenFrame(Exception):
    """A server's frame that RFC 6455 does not allow."""


def binary_packet(sequence: int, content: bytes) -> bytes:
    return PACKET_HEADER.pack(len(content), sequence, sent_at_seconds(sequence)) + content


def client_frame(opcode: Opcode, payload: bytes, mask: bytes | None = None) -> bytes:
    """A whole message in one frame, masked with the four bytes of ``mask`` (default: fresh random ones)."""
    key = os.urandom(4) if mask is None else mask
    size = len(payload)
    if size < _TWO_MORE_BYTES:
        head = struct.pack("!BB", _FINAL | opcode, _MASKED | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", _FINAL | opcode, _MASKED | _TWO_MORE_BYTES, size)
    else:
        head = struct.pack("!BBQ", _FINAL | opcode, _MASKED | _EIGHT_MORE_BYTES, size)
    return head + key + masked(payload, key)


def masked(payload: bytes, key: bytes) -> bytes:
    """XOR with the key, over and over; the same again undoes it."""
    size = len(payload)
    repeated = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(size, "big")


class FrameReader:
    """Cuts what a server sends into frames, however it arrives."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are whole now. Raises BrokenFrame."""
        if (
            not self._rest
            and len(data) > 1
            and data[0] & 0xF0 == _FINAL
            and len(data) - 2 == data[1] < _TWO_MORE_BYTES
        ):
            return [Frame(data[0] & 0x0F, True, data[2:])]  # one short frame, as nearly always
        data = self._rest + data if self._rest else data
        frames = []
        at = 0
        while (cut := _first_frame(data, at)) is not None:
            frame, at = cut
            frames.append(frame)
        self._rest = data[at:]
        return frames


def _first_frame(data: bytes, at: int) -> tuple[Frame, int] | None:
    """The frame that begins at ``at``, and where the next one does; None where it is not all there."""
    if len(data) < at + 2:
        return None
    first, second = data[at], data[at + 1]
    if first & 0x70 or second & _MASKED:
        raise BrokenFrame("a server's frame is not masked, and no extension was agreed on")
    size, start = second, at + 2
    if size >= _TWO_MORE_BYTES:
        start += 2 if size == _TWO_MORE_BYTES else 8
        if len(data) < start:
            return None
        size = int.from_bytes(data[at + 2 : start], "big")
    if len(data) < start + size:
        return None
    return Frame(first & 0x0F, bool(first & _FINAL), data[start : start + size]), start + size


@attrs.frozen
class PacketFrames:
    """Frames of packets 1, 2, 3 …, all in one piece, so that any run of them goes out as one slice.

    They name no call, so that all connections share them; the price is that they share masks too.
    """

    _bytes: bytes
    _starts: Sequence[int]
    packets_per_frame: int

    @classmethod
    def build(cls, frames: int, packets_per_frame: int, contents: Sequence[bytes]) -> PacketFrames:
        built = (
            _packet_frame(1 + number * packets_per_frame, packets_per_frame, contents)
            for number in range(frames)
        )
        return cls._joined(built, packets_per_frame)

    @classmethod
    def _joined(cls, frames: Iterable[bytes], packets_per_frame: int) -> PacketFrames:
        all_bytes = bytearray()
        starts = [0]
        for frame in frames:
            all_bytes += frame
            starts.append(len(all_bytes))
        return cls(bytes(all_bytes), starts, packets_per_frame)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def run(self, first: int, after: int) -> memoryview:
        """Frames ``first`` to just before ``after``, counted from 0."""
        return memoryview(self._bytes)[self._starts[first] : self._starts[after]]


def _packet_frame(first: int, count: int, contents: Sequence[bytes]) -> bytes:
    packets = (
        binary_packet(number, contents[number % len(contents)]) for number in range(first, first + count)
    )
    return client_frame(Opcode.BINARY, b"".join(packets))

"""Messages as a server's WebSocket frames (RFC 6455, 5.2): these are not masked, so that all get the same."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

LONGEST_FRAME_BYTES: Final = 64 * 1024
_LONG: Final = struct.Struct("!BBH")
_LONGEST_PAYLOAD_BYTES: Final = LONGEST_FRAME_BYTES - _LONG.size
_LONGEST_SHORT_BYTES: Final = 125
_TWO_MORE_BYTES: Final = 126

_CONTINUATION: Final = 0x0
_TEXT: Final = 0x1
_FINAL: Final = 0x80

PING: Final = b"\x89\x00"
"""An empty one."""


def text_frames(message: bytes) -> Iterator[bytes]:
    """Of a message that is not empty. A long one is in fragments, between which others' pings may come."""
    opcode = _TEXT
    for start in range(0, len(message), _LONGEST_PAYLOAD_BYTES):
        payload = message[start : start + _LONGEST_PAYLOAD_BYTES]
        is_last = start + len(payload) == len(message)
        yield _frame(opcode | (_FINAL if is_last else 0), payload)
        opcode = _CONTINUATION


def _frame(first_byte: int, payload: bytes) -> bytes:
    size = len(payload)
    if size <= _LONGEST_SHORT_BYTES:
        return bytes((first_byte, size)) + payload
    return _LONG.pack(first_byte, _TWO_MORE_BYTES, size) + payload

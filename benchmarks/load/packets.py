"""Packets as a PBX sends them: 20 ms of mu-law sound."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from typing import Final

PACKET_BYTES: Final = 160
PACKET_SECONDS: Final = 0.02
MEDIA: Final = {"encoding": "audio/x-mulaw", "sample_rate_hz": 8000, "channels": 1}

_DIFFERENT: Final = 64
_EPOCH_SECONDS: Final = 1_700_000_000.0


def sounds() -> list[bytes]:
    """A few different contents, which packets take in turn. Noise: sound does not compress either."""
    return [os.urandom(PACKET_BYTES) for _ in range(_DIFFERENT)]


def sent_at_seconds(sequence: int) -> float:
    return round(_EPOCH_SECONDS + sequence * PACKET_SECONDS, 2)


def as_base64(contents: Sequence[bytes]) -> list[bytes]:
    return [base64.b64encode(content) for content in contents]


def json_packet(sequence: int, encoded: bytes) -> bytes:
    """One packet's JSON; ``encoded`` is its data in base64."""
    return b'{"sequence":%d,"data":"%b","timestamp":%.2f}' % (sequence, encoded, sent_at_seconds(sequence))


def ndjson_body(first: int, count: int, encoded: Sequence[bytes]) -> bytes:
    """``count`` packets from ``first`` on, a line each."""
    lines = (json_packet(number, encoded[number % len(encoded)]) for number in range(first, first + count))
    return b"".join(line + b"\n" for line in lines)

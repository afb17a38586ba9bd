"""WAV files made in memory."""

from __future__ import annotations

import math
import struct
from array import array


def tone(seconds: float, rate_hz: int, channels: int = 1) -> bytes:
    """16-bit PCM of 400 Hz, the same on each channel."""
    samples = array("h")
    for place in range(round(seconds * rate_hz)):
        value = round(8_000 * math.sin(2 * math.pi * 400 * place / rate_hz))
        samples.extend([value] * channels)
    return samples.tobytes()


def wav(sound: bytes, rate_hz: int = 8_000, channels: int = 1, tag: int = 1, bits: int = 16) -> bytes:
    frame = channels * bits // 8
    form = struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * frame, frame, bits)
    chunks = b"".join(
        name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
        for name, body in ((b"fmt ", form), (b"LIST", b"odd"), (b"data", sound))
    )
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks

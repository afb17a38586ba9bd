"""A WAV as a telephone line carries it: packets of 20 ms of mu-law at 8 kHz."""

from __future__ import annotations

import audioop
import struct
from pathlib import Path
from typing import Final

LINE_RATE_HZ: Final = 8_000
PACKET_SECONDS: Final = 0.02
PACKET_BYTES: Final = 160
SILENCE: Final = b"\xff"
"""A mu-law zero."""

SAMPLE_BYTES: Final = 2
PCM: Final = 1
MULAW: Final = 7
EXTENSIBLE: Final = 0xFFFE


class UnusableWav(Exception):
    """Neither 16-bit PCM nor mu-law, mono or stereo, or nothing in it."""


def read_packets(path: Path) -> tuple[bytes, ...]:
    """Packets of PACKET_BYTES, the last one filled up with silence. Raises UnusableWav, OSError."""
    line = _mulaw(*_parse(path.read_bytes()))
    if not line:
        raise UnusableWav("it holds no audio")
    line += SILENCE * (-len(line) % PACKET_BYTES)
    return tuple(line[at : at + PACKET_BYTES] for at in range(0, len(line), PACKET_BYTES))


def _parse(content: bytes) -> tuple[int, int, int, bytes]:
    """Format tag, channels, sample rate and sound of a RIFF file.

    The standard library's ``wave`` reads no mu-law. Source of the format:
    https://www.mmsp.ece.mcgill.ca/Documents/AudioFormats/WAVE/WAVE.html
    """
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise UnusableWav("it is no WAV")
    chunks: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, at)
        chunks.setdefault(name, content[at + 8 : at + 8 + size])
        at += 8 + size + size % 2
    header, sound = chunks.get(b"fmt ", b""), chunks.get(b"data", b"")
    if len(header) < 16:
        raise UnusableWav("it does not say its format")
    tag, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", header)
    if tag == EXTENSIBLE and len(header) >= 26:
        (tag,) = struct.unpack_from("<H", header, 24)
    if (tag, bits) not in ((PCM, 16), (MULAW, 8)) or channels not in (1, 2) or rate_hz == 0:
        raise UnusableWav("it must be 16-bit PCM or 8-bit mu-law, mono or stereo")
    return tag, channels, rate_hz, sound


def _mulaw(tag: int, channels: int, rate_hz: int, sound: bytes) -> bytes:
    if (tag, channels, rate_hz) == (MULAW, 1, LINE_RATE_HZ):
        return sound
    pcm = audioop.ulaw2lin(sound, SAMPLE_BYTES) if tag == MULAW else sound
    pcm = pcm[: len(pcm) - len(pcm) % (SAMPLE_BYTES * channels)]
    if channels == 2:
        pcm = audioop.tomono(pcm, SAMPLE_BYTES, 0.5, 0.5)
    if rate_hz != LINE_RATE_HZ:
        pcm, _ = audioop.ratecv(pcm, SAMPLE_BYTES, 1, rate_hz, LINE_RATE_HZ, None)
    return audioop.lin2ulaw(pcm, SAMPLE_BYTES)

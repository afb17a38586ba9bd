"""The header of a WAV file (RIFF, "Multimedia Programming Interface and Data Specifications 1.0", 1991)."""

from __future__ import annotations

import struct
from typing import Final

from adapters.audio.pcm import SAMPLE_BYTES

HEADER_BYTES: Final = 44

_HEADER: Final = struct.Struct("<4sI4s4sIHHIIHH4sI")
_PCM: Final = 1
_FORMAT_CHUNK_BYTES: Final = 16
_LARGEST: Final = 2**32 - 1


def wav_header(channels: int, sample_rate_hz: int, frames: int) -> bytes:
    """What stands before ``frames`` frames of 16-bit PCM.

    A file of 4 GiB or more cannot say its size: it says the largest there is, which readers take as
    "to the end of the file".
    """
    frame_bytes = channels * SAMPLE_BYTES
    data_bytes = frames * frame_bytes
    return _HEADER.pack(
        b"RIFF",
        min(data_bytes + HEADER_BYTES - 8, _LARGEST),
        b"WAVE",
        b"fmt ",
        _FORMAT_CHUNK_BYTES,
        _PCM,
        channels,
        sample_rate_hz,
        sample_rate_hz * frame_bytes,
        frame_bytes,
        8 * SAMPLE_BYTES,
        b"data",
        min(data_bytes, _LARGEST),
    )

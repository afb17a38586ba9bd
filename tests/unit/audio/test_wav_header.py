"""The header of a WAV file."""

from __future__ import annotations

import io
import struct
import wave

from hypothesis import given
from hypothesis import strategies as st

from adapters.audio.wav_header import HEADER_BYTES, wav_header


@given(st.integers(1, 256), st.integers(4_000, 192_000), st.integers(0, 100))
def test_the_standard_library_reads_what_was_written(channels: int, rate_hz: int, frames: int) -> None:
    content = wav_header(channels, rate_hz, frames) + bytes(2 * channels * frames)
    with wave.open(io.BytesIO(content)) as file:
        assert file.getparams()[:4] == (channels, 2, rate_hz, frames)
    assert len(wav_header(channels, rate_hz, frames)) == HEADER_BYTES


def test_a_file_of_more_than_4_gib_says_the_largest_size_there_is() -> None:
    header = wav_header(2, 8_000, 2**31)
    assert struct.unpack("<I", header[4:8]) == struct.unpack("<I", header[40:44]) == (2**32 - 1,)


def test_just_below_4_gib_the_sizes_are_exact() -> None:
    header = wav_header(1, 8_000, (2**32 - 40) // 2)
    assert struct.unpack("<I", header[4:8]) == (2**32 - 4,)
    assert struct.unpack("<I", header[40:44]) == (2**32 - 40,)

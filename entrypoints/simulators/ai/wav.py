"""An uploaded WAV, made ready for the ear: 16-bit mono at 16 kHz."""

from __future__ import annotations

import audioop
import hashlib
import io
import random
import sys
import wave
from array import array
from functools import cache
from typing import Final

import attrs

EAR_RATE_HZ: Final = 16_000
SAMPLE_BYTES: Final = 2
SHORTEST_SECONDS: Final = 0.1
SILENCE_RMS: Final = 40
"""Of 32768. G.711's own quantisation noise is below it."""

LINE_NOISE_RMS: Final = 8
"""PocketSphinx, taught with microphones, understands far worse where there is no noise between words."""


class UnreadableWav(Exception):
    """Not a 16-bit PCM WAV of one or two channels, or shorter than a provider takes."""


@attrs.frozen
class Audio:
    """``pcm`` is 16-bit little-endian mono at EAR_RATE_HZ."""

    pcm: bytes
    duration_seconds: float

    @property
    def is_silence(self) -> bool:
        return audioop.rms(self.pcm, SAMPLE_BYTES) < SILENCE_RMS

    @property
    def with_line_noise(self) -> bytes:
        noise = _second_of_noise()
        repeats = len(self.pcm) // len(noise) + 1
        return audioop.add(self.pcm, (noise * repeats)[: len(self.pcm)], SAMPLE_BYTES)

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.pcm).hexdigest()


def read_wav(content: bytes) -> Audio:
    """Raises UnreadableWav."""
    try:
        with wave.open(io.BytesIO(content)) as wav:
            channels, rate_hz, sample_bytes = wav.getnchannels(), wav.getframerate(), wav.getsampwidth()
            pcm = wav.readframes(wav.getnframes())
    except (wave.Error, EOFError, ValueError):
        raise UnreadableWav("Invalid file format. This simulation reads WAV with 16-bit PCM.") from None
    if sample_bytes != SAMPLE_BYTES or channels not in (1, 2) or rate_hz < 1:
        raise UnreadableWav("Invalid file format. This simulation reads WAV with 16-bit PCM, mono or stereo.")
    pcm = pcm[: len(pcm) - len(pcm) % (SAMPLE_BYTES * channels)]
    duration_seconds = len(pcm) / (SAMPLE_BYTES * channels * rate_hz)
    if duration_seconds < SHORTEST_SECONDS:
        raise UnreadableWav(f"Audio file is too short. Minimum audio length is {SHORTEST_SECONDS} seconds.")
    if channels == 2:
        pcm = audioop.tomono(pcm, SAMPLE_BYTES, 0.5, 0.5)
    if rate_hz != EAR_RATE_HZ:
        pcm, _ = audioop.ratecv(pcm, SAMPLE_BYTES, 1, rate_hz, EAR_RATE_HZ, None)
    return Audio(pcm, duration_seconds)


@cache
def _second_of_noise() -> bytes:
    dice = random.Random(0)
    samples = array("h", (round(dice.gauss(0, LINE_NOISE_RMS)) for _ in range(EAR_RATE_HZ)))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()

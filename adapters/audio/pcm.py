"""Samples as 16-bit PCM: what packets carry decoded, and channels taken apart and put together.

A frame is one sample of every channel. Samples are in the machine's order, which is little-endian on
every machine that this runs on, as WAV and L16 have it.
"""

from __future__ import annotations

import audioop
from array import array
from collections.abc import Sequence
from typing import Final, assert_never

from domain.media_format import Encoding

SAMPLE_BYTES: Final = 2


def decoded(data: bytes, encoding: Encoding) -> bytes:
    """The samples of a packet. Raises ValueError for text."""
    match encoding:
        case Encoding.MULAW:
            return audioop.ulaw2lin(data, SAMPLE_BYTES)
        case Encoding.ALAW:
            return audioop.alaw2lin(data, SAMPLE_BYTES)
        case Encoding.L16:
            return data
        case Encoding.TEXT:
            raise ValueError("text has no samples")
        case _:
            assert_never(encoding)


def silence(frames: int, channels: int = 1) -> bytes:
    return bytes(frames * channels * SAMPLE_BYTES)


def one_channel(pcm: bytes, channel: int, channels: int) -> bytes:
    """One of the interleaved channels, counted from 0."""
    if channels == 1:
        return pcm
    return array("h", pcm)[channel::channels].tobytes()


def mixed_down(pcm: bytes, channels: int) -> bytes:
    """The mean of the interleaved channels; no mix can clip."""
    if channels == 1:
        return pcm
    mix = silence(len(pcm) // SAMPLE_BYTES // channels)
    for channel in range(channels):
        share = audioop.mul(one_channel(pcm, channel, channels), SAMPLE_BYTES, 1 / channels)
        mix = audioop.add(mix, share, SAMPLE_BYTES)
    return mix


def interleaved(channels: Sequence[bytes]) -> bytes:
    """Frames made of channels of one length."""
    if len(channels) == 1:
        return channels[0]
    frames = array("h", bytes(sum(map(len, channels))))
    for at, channel in enumerate(channels):
        frames[at :: len(channels)] = array("h", channel)
    return frames.tobytes()

"""Decoding, and channels taken apart and put together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.audio.pcm import decoded, interleaved, mixed_down, one_channel
from domain.media_format import Encoding
from tests.unit.audio.sounds import samples

SAMPLE = st.integers(-32_768, 32_767)


def test_mulaw_is_decoded_as_g711_says() -> None:
    assert decoded(b"\xff\x7f\x80\x00", Encoding.MULAW) == samples(0, 0, 32_124, -32_124)


def test_alaw_is_decoded_as_g711_says() -> None:
    assert decoded(b"\xd5\x55\xaa\x2a", Encoding.ALAW) == samples(8, -8, 32_256, -32_256)


def test_l16_is_taken_as_little_endian() -> None:
    assert decoded(b"\x01\x02", Encoding.L16) == samples(0x0201)


def test_text_has_no_samples() -> None:
    with pytest.raises(ValueError, match="no samples"):
        decoded(b"hello", Encoding.TEXT)


@given(st.integers(1, 8).flatmap(lambda n: st.lists(st.lists(SAMPLE, min_size=n, max_size=n), max_size=20)))
def test_channels_taken_apart_and_put_together_are_what_they_were(frames: list[list[int]]) -> None:
    channels = len(frames[0]) if frames else 1
    pcm = samples(*(sample for frame in frames for sample in frame))
    apart = [one_channel(pcm, channel, channels) for channel in range(channels)]
    assert interleaved(apart) == pcm


@given(st.lists(st.tuples(SAMPLE, SAMPLE, SAMPLE), max_size=20))
def test_a_mix_is_the_mean_of_the_channels(frames: list[tuple[int, int, int]]) -> None:
    mix = memoryview(mixed_down(samples(*(sample for frame in frames for sample in frame)), 3)).cast("h")
    assert len(mix) == len(frames)
    for mixed, frame in zip(mix, frames, strict=True):
        assert abs(mixed - sum(frame) / 3) <= 3

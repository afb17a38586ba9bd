"""Cutting long audio where it is quiet."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.audio.cutting import QUIET_FRAMES, PartCutter, Stretch
from tests.unit.audio.sounds import samples, tone


def cut(pcm: bytes, max_frames: int, feeds: list[int] | None = None) -> list[Stretch]:
    cutter = PartCutter(max_frames)
    stretches: list[Stretch] = []
    at = 0
    for size in feeds or [len(pcm)]:
        stretches += cutter.feed(pcm[at : at + 2 * size])
        at += 2 * size
    stretches += cutter.feed(pcm[at:])
    return [*stretches, *cutter.finish()]


def test_what_fits_is_not_cut() -> None:
    pcm = tone(0.5, rate_hz=16_000)
    assert cut(pcm, 8_000) == [Stretch(0, bytearray(pcm))]


def test_no_audio_gives_no_stretch() -> None:
    assert cut(b"", 8_000) == []


def test_the_cut_goes_through_a_pause() -> None:
    loud = tone(3, rate_hz=16_000)
    pause_at, pause_frames = 30_000, 800
    pcm = loud[: 2 * pause_at] + bytes(2 * pause_frames) + loud[2 * (pause_at + pause_frames) :]
    first, second = cut(pcm, 36_000)
    assert pause_at < first.end_frame < pause_at + pause_frames
    assert second.start_frame == first.end_frame


def test_a_pause_too_far_before_the_limit_is_not_used() -> None:
    loud = tone(1, rate_hz=16_000) * 30
    pause_at = 5 * 16_000
    pcm = loud[: 2 * pause_at] + bytes(2 * 1_600) + loud[2 * (pause_at + 1_600) :]
    assert cut(pcm, 20 * 16_000)[0].end_frame >= 10 * 16_000


def test_of_equally_quiet_places_the_latest_is_cut() -> None:
    assert cut(bytes(2 * 20_000), 16_000)[0].end_frame == 16_000 - QUIET_FRAMES // 2


def test_a_limit_that_holds_no_window_is_refused() -> None:
    with pytest.raises(ValueError, match="at least"):
        PartCutter(QUIET_FRAMES)


@settings(max_examples=50)
@given(
    frames=st.integers(0, 6_000),
    max_frames=st.integers(2 * QUIET_FRAMES, 3_000),
    feeds=st.lists(st.integers(0, 2_500), max_size=8),
    seed=st.integers(0, 5),
)
def test_however_it_is_fed_the_stretches_are_the_audio_within_the_limit(
    frames: int, max_frames: int, feeds: list[int], seed: int
) -> None:
    chance = random.Random(seed)
    pcm = samples(*(chance.randint(-32_768, 32_767) for _ in range(frames)))
    stretches = cut(pcm, max_frames, feeds)
    assert b"".join(stretch.pcm for stretch in stretches) == pcm
    assert stretches == cut(pcm, max_frames)
    end = 0
    for stretch in stretches:
        assert stretch.start_frame == end
        assert 0 < len(stretch.pcm) <= 2 * max_frames
        end = stretch.end_frame

"""How loud a stream is over the time of its call."""

from __future__ import annotations

import audioop
from collections.abc import AsyncIterator
from typing import Final

from adapters.audio.pcm import SAMPLE_BYTES, mixed_down
from domain.media_format import MediaFormat

LOUDEST: Final = 32_768


async def peaks_of(
    blocks: AsyncIterator[bytes], lead_frames: int, frames: int, points: int, media: MediaFormat
) -> list[float]:
    """``points`` peaks from 0 to 1, each the loudest sample of its part of ``frames`` frames.

    ``blocks`` of interleaved samples begin after ``lead_frames``; several channels are mixed down. Where
    there are fewer frames than points, neighbours show the same.
    """
    peaks = [0] * points
    at = lead_frames
    async for block in blocks:
        pcm = mixed_down(block, media.channels or 1)
        end = at + len(pcm) // SAMPLE_BYTES
        for point in range(at * points // frames, (end - 1) * points // frames + 1):
            first = max(at, _first_frame(point, frames, points))
            after = min(end, _first_frame(point + 1, frames, points))
            part = pcm[(first - at) * SAMPLE_BYTES : (after - at) * SAMPLE_BYTES]
            peaks[point] = max(peaks[point], audioop.max(part, SAMPLE_BYTES))
        at = end
    return [round(min(1.0, peak / LOUDEST), 4) for peak in _widened(peaks, frames)]


def _first_frame(point: int, frames: int, points: int) -> int:
    """Frame f belongs to point f * points // frames."""
    return -(-point * frames // points)


def _widened(peaks: list[int], frames: int) -> list[int]:
    points = len(peaks)
    if not 0 < frames < points:
        return peaks
    return [peaks[(point * frames // points) * points // frames] for point in range(points)]

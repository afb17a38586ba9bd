"""Long audio cut into parts, where it is quiet."""

from __future__ import annotations

import audioop
from collections.abc import Iterator
from typing import Final

import attrs

from adapters.audio.pcm import SAMPLE_BYTES

PART_RATE_HZ: Final = 16_000
QUIET_FRAMES: Final = PART_RATE_HZ // 50
"""20 ms: shorter than any pause between words, longer than a period of any voice."""
SEARCH_FRAMES: Final = 10 * PART_RATE_HZ
"""How far before the limit a quiet place is looked for."""


@attrs.frozen
class Stretch:
    """Some of a channel's samples, and the frame that they begin at."""

    start_frame: int
    pcm: bytearray = attrs.field(repr=False)

    @property
    def end_frame(self) -> int:
        return self.start_frame + len(self.pcm) // SAMPLE_BYTES


class PartCutter:
    """Cuts 16-bit mono audio at 16 kHz into stretches of at most ``max_frames`` frames.

    A cut goes through the quietest 20 ms of the last ten seconds before the limit (of the last half,
    where that is shorter). Where it goes depends on the samples alone, not on how they are fed.
    """

    def __init__(self, max_frames: int) -> None:
        if max_frames < 2 * QUIET_FRAMES:
            raise ValueError(f"a part must hold {2 * QUIET_FRAMES} frames at least")
        self._max_frames = max_frames
        self._start_frame = 0
        self._waiting = bytearray()

    def feed(self, pcm: bytes) -> Iterator[Stretch]:
        """Take more samples; gives the stretches that are now known to end."""
        self._waiting += pcm
        while len(self._waiting) > self._max_frames * SAMPLE_BYTES:
            yield self._cut(self._quietest_frame())

    def finish(self) -> Iterator[Stretch]:
        """The rest, where there is one."""
        if self._waiting:
            yield self._cut(len(self._waiting) // SAMPLE_BYTES)

    def _cut(self, frames: int) -> Stretch:
        # A stretch can have 25 MB: what is left is copied, not what is cut off.
        pcm = self._waiting
        self._waiting = pcm[frames * SAMPLE_BYTES :]
        del pcm[frames * SAMPLE_BYTES :]
        stretch = Stretch(self._start_frame, pcm)
        self._start_frame += frames
        return stretch

    def _quietest_frame(self) -> int:
        """The middle of the quietest window before the limit; the latest of several."""
        earliest = self._max_frames - min(SEARCH_FRAMES, self._max_frames // 2)
        starts = range(self._max_frames - QUIET_FRAMES, earliest - 1, -QUIET_FRAMES)
        return min(starts, key=self._loudness) + QUIET_FRAMES // 2

    def _loudness(self, start: int) -> int:
        window = self._waiting[start * SAMPLE_BYTES : (start + QUIET_FRAMES) * SAMPLE_BYTES]
        return audioop.rms(window, SAMPLE_BYTES)

"""Where a stream's packets stand in time: missing ones play as silence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs

from domain.media_format import MediaFormat
from domain.sequence_set import SequenceSet

MAX_FILLED_SECONDS: Final = 3_600
"""Of silence in the place of one stream's missing packets; past it the audio closes up."""

MOST_GAPS: Final = 1_000


class GapFiller:
    """How much silence goes before each packet of one stream, told in the order of their sequences.

    A missing packet plays as long as the packet before it, or as the first one there is. Numbering
    starts at 1, or at 0 where packet 0 is there. What a gap costs does not depend on its length.
    """

    def __init__(self, most_frames: int) -> None:
        self._frames_left = most_frames
        self._expected: int | None = None
        self._frames_before = 0

    @classmethod
    def of(cls, media: MediaFormat) -> GapFiller:
        assert media.sample_rate_hz is not None, "text has no timeline"
        return cls(MAX_FILLED_SECONDS * media.sample_rate_hz)

    def frames_before(self, sequence: int, frames: int) -> int:
        """Frames of silence before the packet ``sequence``, which itself has ``frames`` frames."""
        if self._expected is None:
            self._expected = min(sequence, 1)
            self._frames_before = frames
        filled = min((sequence - self._expected) * self._frames_before, self._frames_left)
        self._frames_left -= filled
        self._expected = sequence + 1
        self._frames_before = frames
        return filled


@attrs.frozen
class Timeline:
    """Which packets of a stream play, and how many frames they make with the silence between them."""

    sequences: SequenceSet
    frames: int
    gaps: tuple[tuple[int, int], ...]
    """Where silence plays for missing packets, in frames: from, and to before which. The first ones."""

    @classmethod
    def of(cls, sizes: Iterable[tuple[int, int]], media: MediaFormat) -> Timeline:
        """From sequence and byte count of every packet, by sequence."""
        sequences = SequenceSet()
        filler = GapFiller.of(media)
        total = 0
        gaps: list[tuple[int, int]] = []
        for sequence, byte_count in sizes:
            sequences.add(sequence)
            frames = byte_count // media.bytes_per_frame
            missing = filler.frames_before(sequence, frames)
            if missing and len(gaps) < MOST_GAPS:
                gaps.append((total, total + missing))
            total += missing + frames
        return cls(sequences, total, tuple(gaps))

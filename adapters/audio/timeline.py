"""Where a stream's packets stand in time: missing ones play as silence."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import Final

import attrs

from application.ports import PacketRun
from domain.media_format import MediaFormat

MAX_FILLED_SECONDS: Final = 3_600
"""Of silence in the place of one stream's missing packets; past it the audio closes up."""

MOST_GAPS: Final = 1_000


class GapFiller:
    """How much silence goes before each run of packets of one stream, told in the order of their sequences.

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

    def frames_before(self, first: int, count: int, frames: int) -> int:
        """Frames of silence before ``count`` packets numbered from ``first``, which have ``frames`` each."""
        if self._expected is None:
            self._expected = min(first, 1)
            self._frames_before = frames
        filled = min((first - self._expected) * self._frames_before, self._frames_left)
        self._frames_left -= filled
        self._expected = first + count
        self._frames_before = frames
        return filled


@attrs.frozen
class Timeline:
    """Which packets of a stream play, and when; ``frames`` in all, with the silence between them.

    By runs of packets, a column for each thing that is known of a run: of a hostile stream they are many.
    """

    frames: int
    gaps: tuple[tuple[int, int], ...]
    """Where silence plays for missing packets, in frames: from, and to before which. The first ones."""
    _firsts: array[int]
    _counts: array[int]
    _frames_each: array[int]
    _starts: array[int]
    _packets_before: array[int]

    @classmethod
    def of(cls, runs: Iterable[PacketRun], media: MediaFormat) -> Timeline:
        """From every packet of the stream, by sequence."""
        filler = GapFiller.of(media)
        total = packets = 0
        gaps: list[tuple[int, int]] = []
        firsts, counts, each, starts, before = (array("q") for _ in range(5))
        for run in runs:
            frames = run.byte_count // media.bytes_per_frame
            missing = filler.frames_before(run.first, run.count, frames)
            if missing and len(gaps) < MOST_GAPS:
                gaps.append((total, total + missing))
            total += missing
            firsts.append(run.first)
            counts.append(run.count)
            each.append(frames)
            starts.append(total)
            before.append(packets)
            total += run.count * frames
            packets += run.count
        return cls(total, tuple(gaps), firsts, counts, each, starts, before)

    def start_of(self, sequence: int) -> int | None:
        """The frame at which a packet begins to play. None for one that does not."""
        run = bisect_right(self._firsts, sequence) - 1
        if run < 0 or sequence - self._firsts[run] >= self._counts[run]:
            return None
        return self._starts[run] + (sequence - self._firsts[run]) * self._frames_each[run]

    def packets_of(self, first_frame: int, after_frame: int) -> tuple[int, int]:
        """From which sequence on the packets are that play in these frames, and how many they are."""
        run = bisect_right(self._starts, first_frame) - 1
        sequence, skipped = (self._firsts[0] if self._firsts else 0), 0
        if run >= 0:
            each = self._frames_each[run]
            over = (first_frame - self._starts[run]) // each if each else self._counts[run]
            over = min(over, self._counts[run])
            sequence, skipped = self._firsts[run] + over, self._packets_before[run] + over
        return sequence, max(0, self._begun_before(after_frame) - skipped)

    def _begun_before(self, frame: int) -> int:
        run = bisect_left(self._starts, frame) - 1
        if run < 0:
            return 0
        each = self._frames_each[run]
        begun = -(-(frame - self._starts[run]) // each) if each else self._counts[run]
        return self._packets_before[run] + min(begun, self._counts[run])

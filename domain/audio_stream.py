"""What has arrived of one numbered stream of a call."""

from __future__ import annotations

from typing import Final

import attrs

from domain.delivery import StreamStanding
from domain.errors import StreamLimitReached
from domain.sequence_set import SequenceSet

GAPS_IN_RECEIPT: Final = 32
MAX_RANGES: Final = 10_000
"""Bound on what one stream's record can grow to; ten thousand separate losses in one stream."""

Gaps = tuple[tuple[int, int], ...]


@attrs.define
class AudioStream:
    """A track, a leg or one connection of a call, with its own sequence numbers from 1.

    It is called audio though a text call has streams too: a stream is counted the same way.
    """

    stream: str
    received: SequenceSet = attrs.field(factory=SequenceSet)
    received_bytes: int = 0
    duplicates: int = 0
    """How many packets came again and were answered as that: with the content that their number has, or
    whose own is no longer kept. No conflict, and nothing else that was refused, is among them."""

    def add(self, sequence: int, byte_count: int) -> None:
        """Note a packet that was not there yet. Raises StreamLimitReached."""
        if self.received.range_count >= MAX_RANGES and self._opens_a_range(sequence):
            raise StreamLimitReached("sequence", f"stream {self.stream!r} has {MAX_RANGES} gaps already")
        self.received.add(sequence)
        self.received_bytes += byte_count

    def add_duplicate(self) -> None:
        """Note a packet that was there already."""
        self.duplicates += 1

    def _opens_a_range(self, sequence: int) -> bool:
        return sequence - 1 not in self.received and sequence + 1 not in self.received

    @property
    def next_expected(self) -> int:
        """One past the highest sequence seen; 1 before the first."""
        highest = self.received.highest
        return 1 if highest is None else highest + 1

    def missing(self, through: int | None = None) -> Gaps:
        """The first gaps up to the highest sequence seen, or up to ``through`` where that is higher."""
        highest = self.received.highest or 0
        return self.received.gaps(max(highest, through or 0), GAPS_IN_RECEIPT)

    def standing(self) -> StreamStanding:
        """What the sender needs to know to go on."""
        gaps = self.received.gaps(most=GAPS_IN_RECEIPT + 1)
        named = gaps[:GAPS_IN_RECEIPT]
        through = self.next_expected - 1 if gaps == named else gaps[-1][0] - 1
        return StreamStanding(self.stream, through, self.next_expected, named)

    def copy(self) -> AudioStream:
        return AudioStream(self.stream, self.received.copy(), self.received_bytes, self.duplicates)

    def is_whole_through(self, final_sequence: int) -> bool:
        return not self.received.gaps(final_sequence, 1)

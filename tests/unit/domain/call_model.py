"""A call as simply as it can be told: sets, numbers and words, no rule shared with the domain."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

Ranges = tuple[tuple[int, int], ...]

TRANSITIONS = {
    ("IN_PROGRESS", "COMPLETED"),
    ("COMPLETED", "PROCESSING_AI"),
    ("PROCESSING_AI", "ARCHIVED"),
    ("PROCESSING_AI", "FAILED"),
    ("ARCHIVED", "PROCESSING_AI"),
    ("FAILED", "PROCESSING_AI"),
}


@attrs.define
class CallModel:
    """What a call should hold. Times are in seconds from its start."""

    state: str = "IN_PROGRESS"
    packets: dict[str, dict[int, str]] = attrs.field(factory=dict)
    sent_again: list[str] = attrs.field(factory=list)
    """The stream of each packet that came again."""
    last_packet_seconds: float | None = None
    final_sequences: dict[str, int] = attrs.field(factory=dict)
    due_seconds: float | None = None
    run: int = 0
    failed_runs: int = 0
    abandoned_runs: int = 0
    transcript: str | None = None
    transcript_is_current: bool = False
    parts: dict[str, str] = attrs.field(factory=dict)
    failure: str | None = None
    archived_seconds: float | None = None
    states: list[str] = attrs.field(factory=lambda: ["IN_PROGRESS"])
    """After each event, in order."""

    def happens(self, state: str | None = None) -> None:
        self.state = state or self.state
        self.states.append(self.state)

    @property
    def is_open(self) -> bool:
        return self.state in {"IN_PROGRESS", "COMPLETED"}

    def may_write(self, run: int) -> bool:
        return self.is_running and run == self.run

    @property
    def is_running(self) -> bool:
        return self.state == "PROCESSING_AI" and self.due_seconds is None

    def receive(self, stream: str, sequence: int, data: str, at_seconds: float) -> None:
        self.last_packet_seconds = at_seconds
        self.packets.setdefault(stream, {})[sequence] = data

    def data_of(self, stream: str, sequence: int) -> str | None:
        return self.packets.get(stream, {}).get(sequence)

    def next_expected(self, stream: str) -> int:
        return max(self.packets.get(stream, {}), default=0) + 1

    def missing(self, stream: str, through: int = 0) -> Ranges:
        """The first 32 gaps, read off the sorted numbers one by one."""
        gaps, last = [], 0
        for sequence in sorted(self.packets.get(stream, {})):
            if sequence > last + 1:
                gaps.append((last + 1, sequence - 1))
            last = sequence
        if through > last:
            gaps.append((last + 1, through))
        return tuple(gaps[:32])

    def all_missing(self) -> dict[str, Ranges]:
        names = self.packets.keys() | self.final_sequences.keys()
        gaps = {name: self.missing(name, self.final_sequences.get(name, 0)) for name in names}
        return {name: missing for name, missing in gaps.items() if missing}

    @property
    def is_whole(self) -> bool:
        """Every stream has said where it ends, and has sent all up to there."""
        ends = self.final_sequences
        return bool(ends) and all(
            name in ends and all(first > ends[name] for first, _ in self.missing(name, ends[name]))
            for name in self.packets.keys() | ends.keys()
        )

    def complete(self, final_sequences: Mapping[str, int], settle_seconds: float, at_seconds: float) -> None:
        self.final_sequences = dict(final_sequences)
        self.happens("COMPLETED")
        self.due_seconds = at_seconds if self.is_whole else at_seconds + settle_seconds

    def is_idle(self, idle_seconds: float, at_seconds: float) -> bool:
        return self.state == "IN_PROGRESS" and (self.last_packet_seconds or 0) + idle_seconds <= at_seconds

    def complete_as_idle(self, at_seconds: float) -> None:
        self.happens("COMPLETED")
        self.due_seconds = at_seconds

    def begin_run(self) -> None:
        self.run += 1
        self.due_seconds = None
        self.happens("PROCESSING_AI")

    def abandon(self, at_seconds: float) -> None:
        self.abandoned_runs += 1
        if self.abandoned_runs == 3:
            self.failure = "3 processes in a row ended while they worked on it"
            self.happens("FAILED")
        else:
            self.due_seconds = at_seconds

    def postpone(self, why: str, delays_seconds: list[float], at_seconds: float) -> None:
        if self.failed_runs == len(delays_seconds):
            self.fail(why)
            return
        self.due_seconds = at_seconds + delays_seconds[self.failed_runs]
        self.failed_runs += 1
        self.happens()

    def fail(self, why: str) -> None:
        self.failed_runs += 1
        self.failure = why
        self.happens("FAILED")

    def reprocess(self, at_seconds: float) -> None:
        if self.state == "ARCHIVED":
            self.transcript_is_current = False
            self.parts = {}
            self.archived_seconds = None
        self.failure = None
        self.failed_runs = 0
        self.abandoned_runs = 0
        self.due_seconds = at_seconds
        self.happens("PROCESSING_AI")

"""AI services that answer what a test scripted, in order, and something sensible after that."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from application.errors import AIError
from application.ports import RecordingPart
from application.unit_of_work import refuse_inside_unit_of_work
from domain.analysis import Analysis, Segment, Sentiment, SentimentLabel, Transcript

WAV_HEADER_BYTES = 44
PART_BYTES_PER_SECOND = 32_000


class FakeTranscriber:
    """``outcomes`` are what the next calls give: the words heard, a whole transcript, or an error to raise.

    ``asked`` holds the name of the part and the idempotency key of every call.
    """

    def __init__(self, outcomes: Iterable[str | Transcript | AIError] = ()) -> None:
        self.outcomes = deque(outcomes)
        self.asked: list[tuple[str, str]] = []

    async def transcribe(self, part: RecordingPart, idempotency_key: str) -> Transcript:
        refuse_inside_unit_of_work("transcription")
        self.asked.append((part.name, idempotency_key))
        outcome = self.outcomes.popleft() if self.outcomes else f"what was said in {part.name}"
        if isinstance(outcome, AIError):
            raise outcome
        return outcome if isinstance(outcome, Transcript) else _heard(outcome, part)


class FakeAnalyst:
    """``outcomes`` are what the next calls give: an analysis, or an error to raise.

    ``asked`` holds the transcript and the idempotency key of every call.
    """

    def __init__(self, outcomes: Iterable[Analysis | AIError] = ()) -> None:
        self.outcomes = deque(outcomes)
        self.asked: list[tuple[Transcript, str]] = []

    async def analyse(self, transcript: Transcript, idempotency_key: str) -> Analysis:
        refuse_inside_unit_of_work("analysis")
        self.asked.append((transcript, idempotency_key))
        if not self.outcomes:
            return Analysis(f"They said: {transcript.text[:100]}", Sentiment(SentimentLabel.NEUTRAL, 0.0))
        outcome = self.outcomes.popleft()
        if isinstance(outcome, AIError):
            raise outcome
        return outcome


def _heard(words: str, part: RecordingPart) -> Transcript:
    if not words.strip():
        return Transcript("", reason="no speech was recognised")
    duration = max(0, len(part.wav) - WAV_HEADER_BYTES) / PART_BYTES_PER_SECOND
    segment = Segment(part.start_seconds, part.start_seconds + duration, words.strip(), part.stream)
    return Transcript(words.strip(), (segment,))

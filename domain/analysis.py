"""What the AI concluded about a call."""

from __future__ import annotations

from enum import Enum, unique

import attrs

from domain.errors import InvalidValue


@attrs.frozen
class Segment:
    """A stretch of speech. Times in seconds from the call's first packet."""

    start_seconds: float
    end_seconds: float
    text: str
    stream: str


@attrs.frozen
class Transcript:
    """The words of a call. ``reason`` says why where there are none."""

    text: str
    segments: tuple[Segment, ...] = ()
    reason: str | None = None

    @property
    def is_empty(self) -> bool:
        return not self.text.strip()

    @classmethod
    def of_text(cls, streams: list[str]) -> Transcript:
        """The transcript of a text call: the pieces of each stream in order, as they were sent."""
        text = "\n".join(streams)
        return cls(text, reason=None if text.strip() else "the call carried no text")

    @classmethod
    def joined(cls, parts: list[Transcript]) -> Transcript:
        """One transcript from those of a recording's parts, ordered by time."""
        segments = tuple(
            sorted(
                (segment for part in parts for segment in part.segments if segment.text.strip()),
                key=lambda segment: (segment.start_seconds, segment.stream),
            )
        )
        text = "\n".join(segment.text.strip() for segment in segments)
        return cls(text, segments, reason=None if text else "no speech was recognised")


@unique
class SentimentLabel(Enum):
    POSITIVE = "positive"
    NEUTRAL = "neutral"
    NEGATIVE = "negative"


@attrs.frozen
class Sentiment:
    """``score`` runs from -1, wholly negative, to 1, wholly positive."""

    label: SentimentLabel
    score: float

    def __attrs_post_init__(self) -> None:
        if not -1 <= self.score <= 1:
            raise InvalidValue("sentiment.score", "must be from -1 to 1")


@attrs.frozen
class Analysis:
    summary: str
    sentiment: Sentiment

    @classmethod
    def of_nothing_said(cls) -> Analysis:
        """What can be said of an empty transcript without asking anyone."""
        return cls("Nothing was said.", Sentiment(SentimentLabel.NEUTRAL, 0.0))


@unique
class FailureReason(Enum):
    """Why a call could not be processed."""

    AI_UNAVAILABLE = "ai_unavailable"  # it kept failing until the last run was over
    AI_REFUSED = "ai_refused"  # it said that this can never succeed
    AUDIO_DROPPED = "audio_dropped"  # what was received is no longer kept, be it audio or text
    POISON = "poison"  # processes ended, again and again, while they worked on it
    INTERNAL_ERROR = "internal_error"  # a fault of Trunkline's own; the log has it


@attrs.frozen
class Failure:
    reason: FailureReason
    detail: str

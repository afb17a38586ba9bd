"""A transcription service's answer, checked and made a transcript."""

from __future__ import annotations

import math
from typing import Any, Final

import attrs

from adapters.ai.answer import ProviderAnswer
from adapters.ai.structuring import ENVELOPE, BadShape, strict_converter, structured
from adapters.ai.text import storable
from application.ports import RecordingPart
from domain.analysis import Segment, Transcript

MAX_TEXT_CHARACTERS: Final = 1_024 * 1_024
NO_SPEECH: Final = "no speech was recognised"

_WAV_HEADER_BYTES: Final = 44
_BYTES_PER_SECOND: Final = 2 * 16_000


@attrs.frozen
class _Words:
    text: str


@attrs.frozen
class _TimedWords:
    start: float
    end: float
    text: str


@attrs.frozen
class _TimedSegments:
    segments: tuple[_TimedWords, ...]


def _seconds(value: object, _: object) -> float:
    """A number, or the text of one, as some services send it."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError("not a number of seconds")
    seconds = float(value)
    if not math.isfinite(seconds):
        raise ValueError("not a number of seconds")
    return seconds


_SEGMENTS: Final = strict_converter(forbid_extra_keys=False)
_SEGMENTS.register_structure_hook(float, _seconds)


def transcript_of(answer: ProviderAnswer, part: RecordingPart) -> Transcript:
    """The words of ``part``, with times from the call's start. Raises AIUnavailable, AIRefused.

    Only ``text`` can be relied on. Where there are no segments that make sense, the whole text is one
    that spans the part.
    """
    answer.require_ok()
    body = answer.json_object()
    try:
        text = storable(structured(body, _Words, ENVELOPE).text).strip()
    except BadShape as error:
        raise answer.rubbish(f"has no text ({error.path})") from None
    if len(text) > MAX_TEXT_CHARACTERS:
        raise answer.rubbish("has too much text")
    if not text:
        return Transcript("", reason=NO_SPEECH)
    duration = max(0, len(part.wav) - _WAV_HEADER_BYTES) / _BYTES_PER_SECOND
    timed = _sane_segments(body) or (_TimedWords(0.0, duration, text),)
    return Transcript(text, tuple(_placed(words, part, duration) for words in timed))


def _sane_segments(body: dict[str, Any]) -> tuple[_TimedWords, ...]:
    """Those that say something; none where one of them makes no sense."""
    try:
        segments = structured(body, _TimedSegments, _SEGMENTS).segments
    except BadShape:
        return ()
    if any(not 0 <= words.start <= words.end for words in segments):
        return ()
    if sum(len(words.text) for words in segments) > MAX_TEXT_CHARACTERS:
        return ()
    cleaned = (attrs.evolve(words, text=storable(words.text).strip()) for words in segments)
    return tuple(words for words in cleaned if words.text)


def _placed(words: _TimedWords, part: RecordingPart, duration: float) -> Segment:
    """A model may hear on past the part's end: nothing was said after it."""
    return Segment(
        start_seconds=part.start_seconds + min(words.start, duration),
        end_seconds=part.start_seconds + min(words.end, duration),
        text=words.text,
        stream=part.stream,
    )

"""What was said in an audio."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from typing import Any, Final

import attrs

from entrypoints.simulators.ai.decoder_pool import DecoderPool
from entrypoints.simulators.ai.wav import Audio

MAX_REMEMBERED: Final = 1_000


@attrs.frozen
class Word:
    word: str
    start_seconds: float
    end_seconds: float


@attrs.frozen
class Segment:
    """``mean_log_probability`` is of the words heard; ``no_speech_probability`` is 1 where nothing was."""

    text: str
    start_seconds: float
    end_seconds: float
    mean_log_probability: float
    no_speech_probability: float
    words: tuple[Word, ...]


@attrs.frozen
class Transcript:
    duration_seconds: float
    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        return " ".join(segment.text for segment in self.segments)


class SpeechRecogniser:
    """Hears with PocketSphinx, or, without ``decoders``, says that it cannot.

    The same audio is decoded once.
    """

    def __init__(self, decoders: DecoderPool | None) -> None:
        self._decoders = decoders
        self._remembered: OrderedDict[str, asyncio.Task[Transcript]] = OrderedDict()

    async def transcribe(self, audio: Audio) -> Transcript:
        """Raises DecoderDied."""
        if self._decoders is None:
            return _nothing(
                audio, "Simulated transcription without speech recognition: PocketSphinx is not installed."
            )
        if audio.is_silence:
            return _nothing(audio, "Simulated transcription: nothing was said.")
        task = self._remembered.get(audio.digest)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = asyncio.create_task(
                self._decode(self._decoders, audio), name=f"decode {audio.digest[:12]}"
            )
            self._remember(audio.digest, task)
        return await asyncio.shield(task)

    async def _decode(self, decoders: DecoderPool, audio: Audio) -> Transcript:
        segments = tuple(_segment(phrase) for phrase in await decoders.decode(audio.with_line_noise))
        if not segments:
            return _nothing(audio, "Simulated transcription: PocketSphinx heard no words.")
        return Transcript(audio.duration_seconds, segments)

    def _remember(self, digest: str, task: asyncio.Task[Transcript]) -> None:
        self._remembered[digest] = task
        if len(self._remembered) > MAX_REMEMBERED:
            self._remembered.popitem(last=False)


def _segment(phrase: list[dict[str, Any]]) -> Segment:
    words = tuple(Word(word["word"], word["start"], word["end"]) for word in phrase)
    spoken = " ".join("I" + word.word[1:] if word.word.split("'")[0] == "i" else word.word for word in words)
    logs = [math.log(min(1.0, max(1e-9, word["probability"]))) for word in phrase]
    return Segment(
        text=f"{spoken[0].upper()}{spoken[1:]}.",
        start_seconds=words[0].start_seconds,
        end_seconds=words[-1].end_seconds,
        mean_log_probability=sum(logs) / len(logs),
        no_speech_probability=0.0,
        words=words,
    )


def _nothing(audio: Audio, reason: str) -> Transcript:
    text = f"{reason} The audio was {audio.duration_seconds:.1f} seconds long."
    return Transcript(audio.duration_seconds, (Segment(text, 0.0, audio.duration_seconds, 0.0, 1.0, ()),))

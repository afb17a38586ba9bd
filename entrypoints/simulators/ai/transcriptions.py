"""``POST /v1/audio/transcriptions``. Source: https://platform.openai.com/docs/api-reference/audio"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import attrs
import orjson
from aiohttp import web

from entrypoints.simulators.ai.decoder_pool import DecoderDied
from entrypoints.simulators.ai.keys import Answer
from entrypoints.simulators.ai.refusals import Refused
from entrypoints.simulators.ai.speech import Segment, SpeechRecogniser, Transcript
from entrypoints.simulators.ai.wav import Audio, UnreadableWav, read_wav

SIMULATION: Final = "This text was made by Trunkline's simulated AI service, not by the model that was named."
MAX_UPLOAD_BYTES: Final = 25 * 1024 * 1024
FORMATS: Final = ("json", "verbose_json", "text")
GRANULARITIES: Final = ("segment", "word")


@attrs.frozen
class TranscriptionQuestion:
    audio: Audio
    response_format: str
    granularities: tuple[str, ...]
    digest: str

    async def answer(self, speech: SpeechRecogniser) -> Answer:
        """Raises Refused."""
        try:
            transcript = await speech.transcribe(self.audio)
        except DecoderDied:
            raise Refused(500, "The speech decoder died.") from None
        if self.response_format == "text":
            return Answer(self.digest, f"{transcript.text}\n".encode(), "text/plain")
        body = {"text": transcript.text, "simulation": SIMULATION}
        if self.response_format == "verbose_json":
            body |= _verbose(transcript, self.granularities)
        return Answer(self.digest, orjson.dumps(body), "application/json")


async def read_transcription_question(request: web.Request) -> TranscriptionQuestion:
    """Raises Refused."""
    try:
        form = await request.post()
    except ValueError:
        raise Refused(400, "Could not parse multipart form") from None
    upload, model = form.get("file"), form.get("model")
    if not isinstance(upload, web.FileField):
        raise Refused(400, "you must provide a file: a form field 'file' with a filename", "file")
    if not isinstance(model, str) or not model:
        raise Refused(400, "you must provide a model parameter", "model")
    response_format = _one_of(form.get("response_format", "json"), FORMATS, "response_format")
    granularities = tuple(
        _one_of(value, GRANULARITIES, "timestamp_granularities[]")
        for value in form.getall("timestamp_granularities[]", [])
    )
    content = upload.file.read()
    if len(content) > MAX_UPLOAD_BYTES:
        raise too_large()
    try:
        audio = read_wav(content)
    except UnreadableWav as error:
        raise Refused(400, str(error), "file") from None
    asked = "\n".join((model, response_format, *granularities)).encode()
    return TranscriptionQuestion(
        audio, response_format, granularities, hashlib.sha256(asked + b"\n" + content).hexdigest()
    )


def too_large() -> Refused:
    return Refused(413, f"Maximum content size limit ({MAX_UPLOAD_BYTES}) exceeded", "file")


def _one_of(value: Any, allowed: tuple[str, ...], param: str) -> str:
    if value not in allowed:
        raise Refused(400, f"{param} must be one of {', '.join(allowed)}", param, "unsupported_value")
    return str(value)


def _verbose(transcript: Transcript, granularities: tuple[str, ...]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "task": "transcribe",
        "language": "english",
        "duration": transcript.duration_seconds,
    }
    if "segment" in granularities or not granularities:
        body["segments"] = [_segment(number, segment) for number, segment in enumerate(transcript.segments)]
    if "word" in granularities:
        body["words"] = [
            {"word": word.word, "start": word.start_seconds, "end": word.end_seconds}
            for segment in transcript.segments
            for word in segment.words
        ]
    return body


def _segment(number: int, segment: Segment) -> dict[str, Any]:
    return {
        "id": number,
        "start": segment.start_seconds,
        "end": segment.end_seconds,
        "text": segment.text,
        "avg_logprob": round(segment.mean_log_probability, 4),
        "no_speech_prob": segment.no_speech_probability,
    }

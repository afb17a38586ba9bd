"""Transcription over HTTP, in OpenAI's format: ``POST {base}/audio/transcriptions``."""

from __future__ import annotations

import io
from collections.abc import Callable

import aiohttp

from adapters.ai.provider import AIProvider
from adapters.ai.provider_client import AIAttempt, ProviderClient, ProviderRequest
from adapters.ai.retrying import with_retries
from adapters.ai.transcription_answer import transcript_of
from application.ports import RecordingPart
from domain.analysis import Transcript


class OpenAITranscriber:
    """Keeps the promise of :class:`application.ports.Transcriber`.

    The session stays its owner's. ``on_attempt`` is called once for each request that was sent.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        provider: AIProvider,
        on_attempt: Callable[[AIAttempt], None],
    ) -> None:
        self._provider = provider
        self._client = ProviderClient(session, provider, on_attempt)

    async def transcribe(self, part: RecordingPart, idempotency_key: str) -> Transcript:
        """Every attempt carries the same ``Idempotency-Key``. Raises AIUnavailable, AIRefused."""

        async def attempt_transcription() -> Transcript:
            request = ProviderRequest(
                step="transcription",
                path="/audio/transcriptions",
                data=self._form(part),
                idempotency_key=idempotency_key,
            )
            return await self._client.attempt(request, lambda answer: transcript_of(answer, part))

        return await with_retries(self._provider, attempt_transcription)

    def _form(self, part: RecordingPart) -> aiohttp.FormData:
        form = aiohttp.FormData()
        form.add_field("model", self._provider.transcription_model)
        form.add_field("response_format", self._provider.transcription_response_format)
        form.add_field("file", io.BytesIO(part.wav), filename="audio.wav", content_type="audio/wav")
        return form

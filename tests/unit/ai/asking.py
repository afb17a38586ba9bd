"""The real adapters against a scripted provider, for tests of both ports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import attrs

from adapters.ai.analysis import OpenAIAnalyst
from adapters.ai.provider import AIProvider
from adapters.ai.provider_client import AIAttempt
from adapters.ai.transcription import OpenAITranscriber
from adapters.audio.wav_header import wav_header
from application.ports import RecordingPart
from domain.analysis import Segment, Transcript
from tests.fakes.ai_provider import ScriptedProvider

KEY = "sk-very-secret-0123456789"
PART = RecordingPart("main/0/60000-62000", "main", 60.0, wav_header(1, 16_000, 32_000) + bytes(64_000))
TRANSCRIPT = Transcript("Hello, my account number is 99887766 and I am upset.")
TWO_STREAMS = Transcript(
    "Hello\nGood morning", (Segment(0, 1, "Hello", "caller"), Segment(1, 2, "Good morning", "agent"))
)
GOOD = {"summary": "A caller is upset.", "sentiment": {"label": "negative", "score": -0.6}}


@attrs.define
class Asking:
    """Both adapters, what they sent (``provider.asked``), and what they told about their attempts."""

    provider: ScriptedProvider
    session: aiohttp.ClientSession
    attempts: list[AIAttempt] = attrs.field(factory=list)

    def settings(self, **changes: Any) -> AIProvider:
        """Settings with waits that take no time."""
        return attrs.evolve(
            AIProvider(
                base_url=self.provider.base_url,
                transcription_model="whisper-1",
                analysis_model="gpt-4o-mini",
                api_key=KEY,
                timeout_seconds=5,
                retry_attempts=3,
                retry_wait_seconds=0.001,
            ),
            **changes,
        )

    def transcriber(self, **changes: Any) -> OpenAITranscriber:
        return OpenAITranscriber(self.session, self.settings(**changes), self.attempts.append)

    def analyst(self, **changes: Any) -> OpenAIAnalyst:
        return OpenAIAnalyst(self.session, self.settings(**changes), self.attempts.append)

    @property
    def outcomes(self) -> list[str]:
        return [attempt.outcome for attempt in self.attempts]


@asynccontextmanager
async def asking_a_scripted_provider() -> AsyncIterator[Asking]:
    async with ScriptedProvider().running() as provider, aiohttp.ClientSession() as session:
        yield Asking(provider, session)

"""Summary and sentiment over HTTP, in OpenAI's format: ``POST {base}/chat/completions``."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import aiohttp

from adapters.ai.analysis_answer import analysis_of
from adapters.ai.analysis_request import ResponseForm, analysis_request, spoken_text
from adapters.ai.answer import FormRefused, ProviderAnswer
from adapters.ai.provider import AIProvider
from adapters.ai.provider_client import AIAttempt, ProviderClient, ProviderRequest
from adapters.ai.retrying import with_retries
from domain.analysis import Analysis, Transcript


class OpenAIAnalyst:
    """Keeps the promise of :class:`application.ports.Analyst`.

    The session stays its owner's. ``on_attempt`` is called once for each request that was sent. Where
    a service answers 400 to JSON by schema, it is asked for any JSON object, then for plain text with
    JSON in it; what worked is what this object asks for from then on.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        provider: AIProvider,
        on_attempt: Callable[[AIAttempt], None],
    ) -> None:
        self._provider = provider
        self._client = ProviderClient(session, provider, on_attempt)
        self._forms = tuple(ResponseForm)

    async def analyse(self, transcript: Transcript, idempotency_key: str) -> Analysis:
        """Every attempt carries the same ``Idempotency-Key``. Raises AIUnavailable, AIRefused."""

        async def attempt_analysis() -> Analysis:
            forms = self._forms
            for at, form in enumerate(forms):
                try:
                    analysis = await self._ask(transcript, idempotency_key, form, is_last=form is forms[-1])
                except FormRefused:
                    continue
                self._forms = forms[at:]
                return analysis
            raise AssertionError("the last form is never passed over")

        return await with_retries(self._provider, attempt_analysis)

    async def _ask(
        self, transcript: Transcript, idempotency_key: str, form: ResponseForm, *, is_last: bool
    ) -> Analysis:
        body = json.dumps(analysis_request(self._provider.analysis_model, transcript, form)).encode()
        request = ProviderRequest(
            step="analysis",
            path="/chat/completions",
            data=aiohttp.BytesIOPayload(io.BytesIO(body), content_type="application/json"),
            idempotency_key=idempotency_key,
            private=(spoken_text(transcript),),
        )

        def read(answer: ProviderAnswer) -> Analysis:
            if answer.status == 400 and not is_last:
                raise FormRefused
            return analysis_of(answer)

        return await self._client.attempt(request, read)

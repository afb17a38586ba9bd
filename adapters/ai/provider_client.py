"""One attempt at asking an AI service, over HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Literal, TypeVar

import aiohttp
import attrs

from adapters.ai.answer import FormRefused, ProviderAnswer, Step
from adapters.ai.provider import AIProvider
from adapters.ai.retry_after import retry_after_seconds
from application.errors import AIRefused, AIUnavailable
from application.unit_of_work import refuse_inside_unit_of_work

MAX_ANSWER_BYTES: Final = 2 * 1_024 * 1_024
"""Ten times what the words of a long part need. To parse an answer stops the loop, and so the packets."""

Outcome = Literal["ok", "unavailable", "refused"]
T = TypeVar("T")
E = TypeVar("E", bound=Exception)


@attrs.frozen
class AIAttempt:
    """One request to an AI service and how it ended; ``seconds`` is how long it took."""

    step: Step
    outcome: Outcome
    seconds: float


@attrs.frozen
class ProviderRequest:
    """A POST below the provider's base URL. ``private`` are the words in it that no error may repeat."""

    step: Step
    path: str
    data: aiohttp.FormData | aiohttp.Payload = attrs.field(repr=False)
    idempotency_key: str
    private: tuple[str, ...] = attrs.field(default=(), repr=False)


class ProviderClient:
    """Asks one provider over a session that somebody else opens and closes."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        provider: AIProvider,
        on_attempt: Callable[[AIAttempt], None],
    ) -> None:
        self._session = session
        self._provider = provider
        self._on_attempt = on_attempt

    async def attempt(self, request: ProviderRequest, read: Callable[[ProviderAnswer], T]) -> T:
        """Send the request once and give what ``read`` makes of the answer; ``on_attempt`` hears of it.

        Raises AIUnavailable where no whole answer came in time, and what ``read`` raises.
        """
        refuse_inside_unit_of_work(f"{request.step} over HTTP")
        started = time.monotonic()
        try:
            result = read(await self._post(request))
        except AIUnavailable as error:
            self._note(request.step, "unavailable", started)
            raise _alone(error)  # noqa: B904 # it is the same one
        except (AIRefused, FormRefused) as error:
            self._note(request.step, "refused", started)
            raise _alone(error)  # noqa: B904 # the same
        self._note(request.step, "ok", started)
        return result

    def _note(self, step: Step, outcome: Outcome, started: float) -> None:
        self._on_attempt(AIAttempt(step, outcome, time.monotonic() - started))

    async def _post(self, request: ProviderRequest) -> ProviderAnswer:
        # The errors of aiohttp can carry the request's headers, and so the key: they are not chained.
        try:
            async with asyncio.timeout(self._provider.timeout_seconds):
                return await self._exchange(request)
        except TimeoutError:
            seconds = self._provider.timeout_seconds
            raise AIUnavailable(f"{request.step}: no whole answer within {seconds:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            reason = type(error).__name__
            raise AIUnavailable(f"{request.step}: the connection failed ({reason})") from None

    async def _exchange(self, request: ProviderRequest) -> ProviderAnswer:
        key = self._provider.api_key
        async with self._session.post(
            self._provider.base_url + request.path,
            data=request.data,
            headers=_headers(key, request.idempotency_key),
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(),
        ) as response:
            body, is_whole = await _bounded(response)
            return ProviderAnswer(
                step=request.step,
                status=response.status,
                body=body,
                is_whole=is_whole,
                retry_after_seconds=retry_after_seconds(
                    response.headers.get("Retry-After"), datetime.now(UTC)
                ),
                private=request.private + ((key,) if key else ()),
            )


def _alone(error: E) -> E:
    """Without the frames that it came through: they hold the answer, and what it was parsed into.

    It is kept while a run waits and is saved, and a megabyte may have been parsed into twenty.
    """
    error.__context__ = None
    return error.with_traceback(None)


def _headers(api_key: str | None, idempotency_key: str) -> dict[str, str]:
    # Uncompressed, so that the bound on the body is one on what arrives.
    headers = {
        "Idempotency-Key": idempotency_key,
        "Accept": "application/json",
        "Accept-Encoding": "identity",
    }
    if api_key is not None:
        headers["Authorization"] = f"Bearer {api_key}"
    return headers


async def _bounded(response: aiohttp.ClientResponse) -> tuple[bytes, bool]:
    """The body, and whether it is whole; nothing of one that is too large, for there is no use for a part."""
    if (response.content_length or 0) > MAX_ANSWER_BYTES:
        return b"", False
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            return b"", False
    return bytes(body), True

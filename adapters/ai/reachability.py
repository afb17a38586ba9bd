"""Whether the AI service answers at all."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import aiohttp

from adapters.ai.provider import AIProvider

_SECONDS: Final = 1.5
_ASK_AGAIN_SECONDS: Final = 10.0


class AIReachability:
    """Asks for the list of models, which every such service has, and remembers the answer for a while."""

    def __init__(self, session: aiohttp.ClientSession, provider: AIProvider) -> None:
        self._session = session
        self._provider = provider
        self._found = ""
        self._ask_again_at = 0.0

    async def ask(self) -> str:
        """`ok`, or in words what is wrong. Never raises on account of the service."""
        if time.monotonic() >= self._ask_again_at:
            self._found = await self._ask()
            self._ask_again_at = time.monotonic() + _ASK_AGAIN_SECONDS
        return self._found

    async def _ask(self) -> str:
        headers = {"Authorization": f"Bearer {self._provider.api_key}"} if self._provider.api_key else {}
        try:
            async with (
                asyncio.timeout(_SECONDS),
                self._session.get(f"{self._provider.base_url}/models", headers=headers) as answer,
            ):
                status = answer.status
        except (aiohttp.ClientError, OSError):
            return "does not answer"
        if status in (401, 403):
            return f"refuses the key ({status})"
        return "ok" if status < 500 else f"answers {status}"

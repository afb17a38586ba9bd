"""An AI that a test holds, breaks and mends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from tests.fakes.ai_provider import ScriptedProvider, answer, completion

Spoken = list[tuple[float, float, str]]
"""From and to in seconds, and the words."""

DEFAULT: Spoken = [(0.2, 2.4, "I would like to order a computer."), (3.0, 5.8, "Thank you, that was quick.")]


class StandInAi:
    """``says`` has the words of streams by name; ``status`` is what it answers while it is broken."""

    def __init__(self) -> None:
        self.says: dict[str, Spoken] = {}
        self.summary = "A computer is ordered."
        self.score = 0.8
        self.status = 200
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self._provider = ScriptedProvider()

    @property
    def base_url(self) -> str:
        return self._provider.base_url

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self._provider.will(self._reply)
        async with self._provider.running():
            yield
            self.goes_on.set()

    async def _reply(self, request: web.Request) -> web.StreamResponse:
        await self.goes_on.wait()
        if self.status != 200:
            return await answer(self.status, {"error": {"message": "The stand-in is broken."}})(request)
        if request.path.endswith("/transcriptions"):
            return await answer(200, self._heard(request.headers["Idempotency-Key"]))(request)
        label = "positive" if self.score > 0 else "negative"
        concluded = {"summary": self.summary, "sentiment": {"label": label, "score": self.score}}
        return await completion(json.dumps(concluded))(request)

    def _heard(self, idempotency_key: str) -> dict[str, object]:
        spoken = next((said for name, said in self.says.items() if name in idempotency_key), DEFAULT)
        segments = [{"start": start, "end": end, "text": text} for start, end, text in spoken]
        return {"text": " ".join(text for _, _, text in spoken), "segments": segments}

"""The simulated AI on a port of its own, and ways to ask it."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import attrs
from aiohttp import web

from entrypoints.simulators.ai.chance import Chance
from entrypoints.simulators.ai.decoder_pool import DecoderPool
from entrypoints.simulators.ai.server import SimulatedAi
from entrypoints.simulators.ai.speech import SpeechRecogniser
from entrypoints.simulators.json_lines import JsonLines
from tests.unit.simulators.wavs import tone, wav

NEVER_FAILS = Chance(seed=1, failure_rate=0, latency_seconds=(0, 0))
TONE = wav(tone(0.5, 8_000))


@attrs.frozen
class Reply:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@attrs.frozen
class Client:
    session: aiohttp.ClientSession
    url: str
    ledger: Path

    async def transcribe(
        self,
        content: bytes | None = TONE,
        key: str | None = None,
        granularities: Sequence[str] = (),
        **fields: str,
    ) -> Reply:
        form = aiohttp.FormData(quote_fields=False)
        if content is not None:
            form.add_field("file", io.BytesIO(content), filename="call.wav", content_type="audio/wav")
        for name, value in ({"model": "whisper-1"} | fields).items():
            form.add_field(name, value, content_type="text/plain")
        for granularity in granularities:
            form.add_field("timestamp_granularities[]", granularity, content_type="text/plain")
        if content is None:
            form.add_field("other", b"x", filename="other.txt")
        return await self._post("/v1/audio/transcriptions", key, data=form)

    async def chat(self, body: Any, key: str | None = None) -> Reply:
        return await self._post("/v1/chat/completions", key, json=body)

    async def post_text(self, path: str, text: str) -> Reply:
        return await self._post(path, None, data=text)

    async def get(self, path: str) -> Reply:
        async with self.session.get(self.url + path) as response:
            return Reply(response.status, dict(response.headers), await response.text())

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.ledger.read_text().splitlines()]

    async def _post(self, path: str, key: str | None, **content: Any) -> Reply:
        headers = {} if key is None else {"Idempotency-Key": key}
        async with self.session.post(self.url + path, headers=headers, **content) as response:
            return Reply(response.status, dict(response.headers), await response.text())


@asynccontextmanager
async def serving(
    ledger: Path, chance: Chance = NEVER_FAILS, decoders: DecoderPool | None = None
) -> AsyncIterator[Client]:
    with JsonLines(ledger) as lines:
        application = SimulatedAi(chance, SpeechRecogniser(decoders), lines).application()
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            async with aiohttp.ClientSession() as session:
                yield Client(session, f"http://{host}:{port}", ledger)
        finally:
            await runner.cleanup()

"""A client that holds every answer it gets against the OpenAPI document."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import attrs
from yarl import URL

from tests.http.answer import Answer
from tests.http.description import Description

PATIENCE = aiohttp.ClientTimeout(total=20)


@attrs.frozen
class DescribedClient:
    """Paths are sent as they are written: what is to be escaped is escaped by the test."""

    url: str
    description: Description
    _session: aiohttp.ClientSession

    async def request(self, method: str, path: str, **options: Any) -> Answer:
        url = URL(self.url + path, encoded=True)
        async with self._session.request(method, url, **options) as response:
            answer = Answer(response.status, response.headers, await response.read())
        self.description.check(method, path, answer)
        return answer

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.request("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        """``body`` is sent as JSON; with none, nothing is sent."""
        if body is not None:
            options["json"] = body
        return await self.request("POST", path, **options)

    async def send(self, path: str, raw: bytes, **headers: str) -> Answer:
        """POST bytes as they are, as JSON unless ``Content_Type`` says otherwise."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.request(
            "POST", path, data=io.BytesIO(raw), headers={"Content-Type": "application/json"} | named
        )

    async def init(self, call_id: str, **fields: Any) -> Answer:
        return await self.post("/v1/call/init", {"call_id": call_id, **fields})

    async def packet(self, call_id: str, sequence: Any, data: Any = "text", **fields: Any) -> Answer:
        body = {"sequence": sequence, "data": data, "timestamp": 1.5, **fields}
        return await self.post(f"/v1/call/stream/{call_id}", body)

    async def complete(self, call_id: str, **final_sequence: int) -> Answer:
        body = {"final_sequence": final_sequence} if final_sequence else None
        return await self.post(f"/v1/call/complete/{call_id}", body)

    async def call(self, call_id: str) -> Any:
        """The call as the API shows it."""
        answer = await self.get(f"/v1/calls/{call_id}")
        assert answer.status == 200, answer.body
        return answer.json


@asynccontextmanager
async def described_client(url: str, description: Description) -> AsyncIterator[DescribedClient]:
    async with aiohttp.ClientSession(timeout=PATIENCE) as session:
        yield DescribedClient(url, description, session)

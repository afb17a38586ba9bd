"""A real HTTP server that answers an AI adapter what a test scripted."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import attrs
from aiohttp import BodyPartReader, web

Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]


@attrs.frozen
class Asked:
    """A request that arrived: ``form`` holds the fields of a multipart one, ``json`` the body of another."""

    path: str
    headers: dict[str, str]
    form: dict[str, bytes]
    file_names: dict[str, str | None]
    json: dict[str, Any]

    @property
    def idempotency_key(self) -> str:
        return self.headers["Idempotency-Key"]


class ScriptedProvider:
    """Answers with ``replies`` in order; the last one again and again. ``asked`` holds what arrived."""

    def __init__(self) -> None:
        self.base_url = ""
        self.replies: deque[Reply] = deque()
        self.asked: list[Asked] = []
        self.arrived = asyncio.Event()
        self._closing = asyncio.Event()

    def will(self, *replies: Reply) -> None:
        self.replies.extend(replies)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ScriptedProvider]:
        app = web.Application(client_max_size=64 * 1_024 * 1_024)
        app.router.add_post("/v1/{path:.*}", self._handle)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        try:
            yield self
        finally:
            self._closing.set()
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await _read(request))
        self.arrived.set()
        reply = self.replies.popleft() if len(self.replies) > 1 else self.replies[0]
        return await reply(request)

    async def hang(self, _: web.Request) -> web.StreamResponse:
        """A reply that never comes."""
        await self._closing.wait()
        raise web.HTTPServiceUnavailable

    async def hang_in_body(self, request: web.Request) -> web.StreamResponse:
        """A reply that begins and never ends."""
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"text": ')
        await self._closing.wait()
        return response

    async def hang_before_ten_megabytes(self, request: web.Request) -> web.StreamResponse:
        """A reply that says how long it is, and never comes."""
        response = web.StreamResponse(headers={"Content-Length": "10000000"})
        await response.prepare(request)
        await self._closing.wait()
        return response


def answer(status: int, body: object, headers: dict[str, str] | None = None) -> Reply:
    """A reply with a JSON body, or with ``body`` as it is where it is bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def reply(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=content, headers=headers)

    return reply


def in_chunks(body: bytes) -> Reply:
    """A reply that does not say how long it is."""

    async def reply(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        with suppress(ConnectionError):  # whoever had enough has gone
            await response.prepare(request)
            await response.write(body)
            await response.write_eof()
        return response

    return reply


def words(text: str) -> Reply:
    return answer(200, {"text": text})


def completion(content: object, finish_reason: str | None = "stop", refusal: str | None = None) -> Reply:
    """A chat completion whose message holds ``content``, as JSON unless it is text already."""
    text = content if isinstance(content, str) or content is None else json.dumps(content)
    message = {"role": "assistant", "content": text, "refusal": refusal}
    return answer(200, {"choices": [{"index": 0, "message": message, "finish_reason": finish_reason}]})


async def reset_in_body(request: web.Request) -> web.StreamResponse:
    """Half an answer, and then the connection is gone."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"text": "half of')
    assert request.transport is not None
    request.transport.abort()
    return response


async def _read(request: web.Request) -> Asked:
    form: dict[str, bytes] = {}
    file_names: dict[str, str | None] = {}
    body: dict[str, Any] = {}
    if request.content_type.startswith("multipart/"):
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            assert part.name is not None
            form[part.name] = bytes(await part.read())
            file_names[part.name] = part.filename
    else:
        body = await request.json()
    return Asked(request.path, dict(request.headers), form, file_names, body)

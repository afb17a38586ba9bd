"""What readiness tells of the AI service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from adapters.ai.provider import AIProvider
from adapters.ai.reachability import AIReachability


@asynccontextmanager
async def asking(status: int | None, asked: list[str | None]) -> AsyncIterator[AIReachability]:
    """Of a service that answers every request so, or never where it is None."""

    async def models(request: web.Request) -> web.Response:
        asked.append(request.headers.get("Authorization"))
        if status is None:
            await asyncio.sleep(60)
        return web.Response(status=status or 200)

    application = web.Application()
    application.router.add_get("/v1/models", models)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    provider = AIProvider(
        base_url=f"http://{host}:{port}/v1", transcription_model="t", analysis_model="a", api_key="k-1"
    )
    try:
        async with aiohttp.ClientSession() as session:
            yield AIReachability(session, provider)
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (200, "ok"),
        (404, "ok"),
        (401, "refuses the key (401)"),
        (503, "answers 503"),
        (None, "does not answer"),
    ],
)
async def test_it_tells_how_the_service_is(status: int | None, told: str) -> None:
    """Any service that answers is there: not every one has a list of models."""
    async with asking(status, []) as reachability:
        assert await reachability.ask() == told


async def test_it_asks_with_the_key_and_remembers_the_answer() -> None:
    """A probe every second must not become a request to the provider every second."""
    asked: list[str | None] = []
    async with asking(200, asked) as reachability:
        await reachability.ask()
        await reachability.ask()
    assert asked == ["Bearer k-1"]


async def test_nobody_there_is_told() -> None:
    provider = AIProvider(base_url="http://127.0.0.1:9/v1", transcription_model="t", analysis_model="a")
    async with aiohttp.ClientSession() as session:
        assert await AIReachability(session, provider).ask() == "does not answer"

"""What a call's page tells of its streams, while the call goes on and when it is over."""

from __future__ import annotations

from pathlib import Path

import aiohttp
from playwright.async_api import Page, expect

from tests.browser.visitor import Visitor
from tests.end_to_end.api_client import ApiClient
from tests.end_to_end.processes import running


async def test_what_is_missing_and_what_came_again_is_counted(
    visitor: Visitor, service_environment: dict[str, str], tmp_path: Path
) -> None:
    async with (
        running(tmp_path / "serve.log", "serve", environment=service_environment) as serve,
        aiohttp.ClientSession() as session,
    ):
        pbx = ApiClient(session, serve.url)
        await pbx.packet("c-1", 1, "hello")
        await pbx.packet("c-1", 3, "world")
        async with visitor.at(f"{serve.url}/#/calls/c-1") as page:
            await _tells(page, Received="2", Missing="1", Duplicates="0")
            for _ in range(2):
                await pbx.packet("c-1", 1, "hello")
            await pbx.packet("c-1", 3, "another")  # it is refused
            await _tells(page, Received="2", Missing="1", Duplicates="2")
            await pbx.packet("c-1", 2, "wide")
            await pbx.packet("c-1", 2, "wide")
            await pbx.complete("c-1", 3)
            await expect(page.locator("h1 + [data-state]")).to_have_attribute("data-state", "ARCHIVED")
            await _tells(page, Received="3", Missing="0", Duplicates="3")


async def _tells(page: Page, **figures: str) -> None:
    """Each beside its name."""
    stream = page.locator('[data-stream="main"]')
    await expect(stream.locator("dt")).to_have_text(list(figures))
    await expect(stream.locator("dd")).to_have_text(list(figures.values()))

"""The page while servers come and go."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from playwright.async_api import Page, expect

from tests.browser.visitor import Visitor
from tests.end_to_end.api_client import ApiClient
from tests.end_to_end.processes import running, start

SOON_MILLISECONDS = 5_000


async def test_a_killed_server_comes_back_and_nothing_is_missing(
    visitor: Visitor, service_environment: dict[str, str], tmp_path: Path
) -> None:
    """What happened meanwhile on another server is told too: there is one feed."""
    looked_at = await start(tmp_path / "a.log", "serve", environment=service_environment)
    async with (
        running(tmp_path / "b.log", "serve", environment=service_environment) as other,
        aiohttp.ClientSession() as session,
        visitor.at(looked_at.url) as page,
    ):
        pbx = ApiClient(session, other.url)
        await pbx.packet("before", 1, "said before")
        await _shows(page, {"before": "IN_PROGRESS"})

        visitor.bears = "net::ERR_"
        await looked_at.kill()
        await expect(page.locator("[data-connection]")).to_have_attribute(
            "data-connection", "lost", timeout=SOON_MILLISECONDS
        )
        await expect(
            page.locator(".banner", has_text="Disconnected. Trying again by itself.")
        ).to_be_visible()
        for number in range(3):
            await pbx.packet(f"meanwhile-{number}", 1, "said meanwhile")
        await pbx.complete("before", 1)
        await pbx.all_reach("ARCHIVED", ["before"], within_seconds=20)

        same_port = {"TRUNKLINE_PORT": str(urlsplit(looked_at.url).port)}
        async with running(tmp_path / "again.log", "serve", environment=service_environment | same_port):
            await expect(page.locator("[data-connection]")).to_have_attribute("data-connection", "live")
            meanwhile = {f"meanwhile-{number}": "IN_PROGRESS" for number in range(3)}
            await _shows(page, {"before": "ARCHIVED", **meanwhile})
            await pbx.packet("after", 1, "said after")
            await _shows(page, {"before": "ARCHIVED", "after": "IN_PROGRESS", **meanwhile})
            await page.goto("about:blank")  # before the server goes


async def _shows(page: Page, states: dict[str, str]) -> None:
    """These calls, and no others."""
    for call_id, state in states.items():
        row = page.locator(f'[data-call="{call_id}"] [data-state]')
        await expect(row).to_have_attribute("data-state", state)
    await expect(page.locator("tr[data-call]")).to_have_count(len(states))

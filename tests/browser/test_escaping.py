"""Whatever a caller says or a PBX tells, it is text."""

from __future__ import annotations

from pathlib import Path

import aiohttp
from playwright.async_api import Page, expect

from tests.browser.visitor import Visitor
from tests.end_to_end.api_client import ApiClient
from tests.end_to_end.processes import running

SCRIPT = "<script>document.title = 'taken'</script>"
IMAGE = "<img src=x onerror=\"document.title = 'taken'\">"


async def test_markup_in_a_call_stays_text(
    visitor: Visitor, service_environment: dict[str, str], tmp_path: Path
) -> None:
    async with (
        running(tmp_path / "serve.log", "serve", environment=service_environment) as serve,
        aiohttp.ClientSession() as session,
        visitor.at(serve.url) as page,
    ):
        pbx = ApiClient(session, serve.url)
        await pbx.init("c-1", metadata={"from": IMAGE, SCRIPT: SCRIPT})
        await pbx.packet("c-1", 1, SCRIPT)
        await pbx.complete("c-1", 1)
        await pbx.all_reach("ARCHIVED", ["c-1"], within_seconds=20)
        await expect(page.locator('[data-call="c-1"]')).to_contain_text(IMAGE)
        await page.get_by_role("searchbox").fill("<img src=x>")
        await expect(page.locator('[data-call="c-1"]')).to_be_visible()
        await _is_untouched(page)

        await page.goto(f"{serve.url}/#/calls/c-1")
        await expect(page.locator(".transcript .plain")).to_have_text(SCRIPT)
        await expect(page.locator(".metadata")).to_contain_text(SCRIPT)
        await expect(page.locator(".player")).to_have_count(0)
        await _is_untouched(page)
        visitor.bears = "404 (Not Found)"
        await page.goto(f"{serve.url}/#/calls/{SCRIPT}")
        await expect(page.get_by_text(SCRIPT)).to_be_visible()
        await _is_untouched(page)


async def _is_untouched(page: Page) -> None:
    assert await page.locator("body script, body img").count() == 0
    assert await page.title() != "taken"

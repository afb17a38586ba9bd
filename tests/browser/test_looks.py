"""How each view looks, light and dark, wide and narrow: contrast, names and landmarks by axe; and pictures.

`TRUNKLINE_DRAW_PICTURES=1` writes the pictures of docs/images anew.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser import shown_calls
from tests.browser.conftest import environment_of_a_service
from tests.browser.filled_calls import fill
from tests.browser.stand_in_ai import StandInAi
from tests.browser.visitor import Visitor
from tests.databases import Databases
from tests.end_to_end.api_client import ApiClient
from tests.end_to_end.processes import run_to_its_end, running

AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
PICTURES = Path(__file__).parents[2] / "docs" / "images"
PICTURE_SIZE: Any = {"width": 1200, "height": 760}


@attrs.frozen
class _Afternoon:
    url: str
    database_url: str


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def afternoon(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[_Afternoon]:
    """A service that had a busy one. Who looks at it leaves it as it is."""
    folder, ai = tmp_path_factory.mktemp("afternoon"), StandInAi()
    ai.says, ai.summary, ai.score = shown_calls.SAYS, shown_calls.SUMMARY, 0.7
    async with ai.running(), databases.empty() as database_url, aiohttp.ClientSession() as session:
        await fill(database_url, 400)
        environment = environment_of_a_service(database_url, ai, folder)
        async with running(folder / "serve.log", "serve", environment=environment) as serve:
            await shown_calls.place(session, serve.url)
            pbx = ApiClient(session, serve.url)
            await pbx.all_reach("ARCHIVED", [shown_calls.CALL_ID], within_seconds=20)
            yield _Afternoon(serve.url, database_url)


@pytest.fixture
def url(afternoon: _Afternoon) -> str:
    return afternoon.url


async def test_every_view_is_accessible_and_fits(visitor: Visitor, url: str) -> None:
    """On a wide screen, and on one of 360 pixels without scrolling sideways."""
    for scheme, width in (("light", 1280), ("dark", 1280), ("light", 360)):
        async with visitor.at(url, color_scheme=scheme, viewport={"width": width, "height": 800}) as page:
            await _every_view(page, url)


async def _every_view(page: Page, url: str) -> None:
    await _overview(page)
    await _fits(page)
    await _finds_nothing(page)
    await page.goto(f"{url}/#/calls/{shown_calls.CALL_ID}")
    await _call(page)
    await _fits(page)
    await _finds_nothing(page)
    await page.goto(f"{url}/#/failures")
    await _failures(page)
    await _fits(page)
    await _finds_nothing(page)
    await page.get_by_role("button", name="Reprocess chosen").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await _finds_nothing(page)


async def _fits(page: Page) -> None:
    content, screen = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert content <= screen


async def test_the_keyboard_is_enough(visitor: Visitor, url: str) -> None:
    async with visitor.at(url) as page:
        await _overview(page)
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("main")).to_be_focused()
        newest = page.locator("tr[data-call] a").first
        await _tab_to(page, newest)
        await page.keyboard.press("Enter")
        await expect(page.locator("article.call")).to_be_visible()
        await page.goto(f"{url}/#/calls/{shown_calls.CALL_ID}")
        await _call(page)
        place = page.get_by_role("slider", name="Place in the recording")
        await place.focus()
        await page.keyboard.press("Space")
        await expect(page.get_by_role("button", name="Pause")).to_be_visible()


@pytest.mark.skipif("TRUNKLINE_DRAW_PICTURES" not in os.environ, reason="TRUNKLINE_DRAW_PICTURES is not set")
async def test_pictures_are_drawn(visitor: Visitor, afternoon: _Afternoon) -> None:
    url = afternoon.url
    await shown_calls.pretend_that_it_took_its_time(afternoon.database_url)
    pbx = ("simulate", "pbx", "--calls", "5", "--concurrency", "5", "--speed", "0.2", "--seed", "11")
    PICTURES.mkdir(exist_ok=True)
    placing = asyncio.create_task(run_to_its_end(*pbx, "--url", url, environment={}))
    async with (
        visitor.at(url, color_scheme="light", viewport=PICTURE_SIZE) as light,
        visitor.at(url, color_scheme="dark", viewport=PICTURE_SIZE) as dark,
    ):
        await asyncio.sleep(24)  # for the charts to have something to show
        call = f"#/calls/{shown_calls.CALL_ID}"
        views = (("overview", "#/", _overview), ("call", call, _call), ("failures", "#/failures", _failures))
        for name, path, ready in views:
            for page, scheme in ((light, "light"), (dark, "dark")):
                await page.evaluate("path => location.hash = path", path)
                await ready(page)
                await page.screenshot(path=PICTURES / f"{name}-{scheme}.png", animations="disabled")
    assert (await placing)[0] == 0


async def _tab_to(page: Page, target: Any) -> None:
    for _ in range(30):
        await page.keyboard.press("Tab")
        if await target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError("Tab does not lead there")


async def _overview(page: Page) -> None:
    await expect(page.locator("tr[data-call]")).to_have_count(50)
    await expect(page.locator(".figure .chart canvas")).to_have_count(2)


async def _call(page: Page) -> None:
    await expect(page.locator(".wave .lane")).to_have_text(["agent", "caller"])
    await expect(page.locator(".segments li")).to_have_count(5)


async def _failures(page: Page) -> None:
    group = page.locator("[data-reason]").first
    await group.get_by_role("button", name="Show the").click()
    for number in (0, 2):
        await group.locator("li[data-call]").nth(number).get_by_role("checkbox").check()
    await expect(page.get_by_text("2 calls chosen")).to_be_visible()


async def _finds_nothing(page: Page) -> None:
    """Of WCAG A and AA and of good practice, be it serious or not."""
    await page.evaluate(AXE)
    violations = (await page.evaluate("axe.run({resultTypes: ['violations']})"))["violations"]
    assert [
        (violation["id"], node["html"], node.get("failureSummary"))
        for violation in violations
        for node in violation["nodes"]
    ] == []

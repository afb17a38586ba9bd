"""A call that the simulated PBX places, from its first packet until it is heard and reprocessed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from playwright.async_api import Page, expect

from tests.browser.stand_in_ai import StandInAi
from tests.browser.visitor import Visitor
from tests.end_to_end.processes import run_to_its_end, running

CALL_ID = "sim-7-1"
PBX = ("simulate", "pbx", "--calls", "1", "--seed", "7", "--loss", "0.02", "--speed", "2.5")


async def test_a_call_appears_moves_fails_is_reprocessed_and_played(
    visitor: Visitor, stand_in_ai: StandInAi, service_environment: dict[str, str], tmp_path: Path
) -> None:
    stand_in_ai.goes_on.clear()
    stand_in_ai.status = 503
    async with (
        running(tmp_path / "serve.log", "serve", environment=service_environment) as serve,
        visitor.at(serve.url) as page,
    ):
        await expect(page.get_by_role("heading", name="No calls yet")).to_be_visible()
        await expect(page.locator(".command")).to_contain_text(f"curl {serve.url}/v1/call/stream/hello-1")

        pbx = asyncio.create_task(run_to_its_end(*PBX, "--url", serve.url, environment={}))
        await _is_in_state(page, "IN_PROGRESS")
        await expect(page.locator(f'[data-call="{CALL_ID}"] .packets')).not_to_have_text("0")
        await _is_in_state(page, "PROCESSING_AI")
        stand_in_ai.goes_on.set()
        await _is_in_state(page, "FAILED")
        assert (await pbx)[0] == 0

        await page.get_by_role("link", name=CALL_ID).click()
        await expect(page.get_by_role("heading", name=CALL_ID)).to_be_visible()
        await expect(page.locator(".banner.bad")).to_contain_text("The AI was not available.")
        await expect(page.locator('.timeline [data-event="run_failed"]')).to_contain_text("Run 1 gave up")

        stand_in_ai.status = 200
        await page.get_by_role("button", name="Reprocess").click()
        await expect(page.locator("h1 + [data-state]")).to_have_attribute("data-state", "ARCHIVED")
        await expect(page.locator(".conclusion")).to_contain_text("A computer is ordered.")
        await _is_played(page)


async def _is_in_state(page: Page, state: str) -> None:
    row = page.locator(f'[data-call="{CALL_ID}"] [data-state]')
    await expect(row).to_have_attribute("data-state", state)


async def _is_played(page: Page) -> None:
    place = page.get_by_role("slider", name="Place in the recording")
    lines = page.locator(".segments li")
    await expect(page.locator(".gap-key")).to_be_visible()
    await expect(place.locator(".lane")).to_have_text(["main"])
    await page.get_by_role("button", name="Play").click()
    await expect(lines.first).to_have_attribute("aria-current", "true")
    await expect(place).not_to_have_attribute("aria-valuenow", "0")
    await page.get_by_role("button", name="Pause").click()
    await expect(page.get_by_role("button", name="Play")).to_be_visible()
    await place.press("Home")
    await lines.nth(1).get_by_role("button").click()
    await expect(lines.nth(1)).to_have_attribute("aria-current", "true")
    await expect(place).to_have_attribute("aria-valuenow", "3")
    await place.press("Home")
    await expect(place).to_have_attribute("aria-valuenow", "0")
    await place.press("ArrowRight")
    await expect(place).to_have_attribute("aria-valuenow", "5")
    async with page.expect_download() as download:
        await page.get_by_role("link", name="WAV").click()
    assert (await download.value).suggested_filename == f"{CALL_ID}.wav"

"""Calls that failed, mended by hand."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
from playwright.async_api import Page, expect

from tests.browser.stand_in_ai import StandInAi
from tests.browser.visitor import Visitor
from tests.end_to_end.api_client import ApiClient
from tests.end_to_end.processes import running

CALLS = [f"c-{number}" for number in range(6)]


async def test_one_the_chosen_and_all_are_reprocessed_with_progress_for_everybody(
    visitor: Visitor, stand_in_ai: StandInAi, service_environment: dict[str, str], tmp_path: Path
) -> None:
    stand_in_ai.status = 401
    async with (
        running(tmp_path / "serve.log", "serve", environment=service_environment) as serve,
        aiohttp.ClientSession() as session,
        visitor.at(f"{serve.url}/#/failures") as page,
        visitor.at(f"{serve.url}/#/failures") as anothers,
    ):
        await expect(page.get_by_role("heading", name="Nothing failed")).to_be_visible()
        pbx = ApiClient(session, serve.url)
        await asyncio.gather(*(_place(pbx, call_id) for call_id in CALLS))
        group = page.locator('[data-reason="ai_refused"]')
        await expect(group.locator(".badge")).to_have_text(str(len(CALLS)))
        await group.get_by_role("button", name="Show the 6 calls").click()
        await expect(group.locator("li[data-call]")).to_have_count(len(CALLS))

        stand_in_ai.status = 200
        await page.get_by_role("button", name="Reprocess c-5").click()
        await _are_left(page, [f"c-{number}" for number in range(5)])

        await page.get_by_role("checkbox", name="Choose c-0").check()
        await page.get_by_role("checkbox", name="Choose c-1").check()
        await page.get_by_role("button", name="Reprocess chosen").click()
        await _confirm(page, "5")
        await _are_left(page, [f"c-{number}" for number in range(2, 5)])
        for seen in (page, anothers):
            await expect(seen.locator(".batch")).to_contain_text("2 chosen callsTaken up again: 2 of 2 calls")

        await page.get_by_role("button", name="Reprocess all 3").click()
        await _confirm(page, "1")
        batch = "All that failed"
        await expect(anothers.locator('.batch[data-finished="false"]')).to_contain_text(batch)
        await anothers.reload()
        for seen in (page, anothers):
            await expect(seen.locator(".batch").first).to_contain_text(f"{batch}Taken up again: 3 of 3 calls")
            await expect(seen.locator(".batch")).to_have_count(2)
            await expect(seen.get_by_role("heading", name="Nothing failed")).to_be_visible()
        await pbx.all_reach("ARCHIVED", CALLS, within_seconds=20)


async def _place(pbx: ApiClient, call_id: str) -> None:
    await pbx.packet(call_id, 1, "I would like to know where my order is.")
    await pbx.complete(call_id, 1)


async def _confirm(page: Page, per_second: str) -> None:
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("radio", name=per_second, exact=True).check()
    await dialog.get_by_role("button", name="Reprocess").click()
    await expect(dialog).to_have_count(0)


async def _are_left(page: Page, call_ids: list[str]) -> None:
    for call_id in CALLS:
        row = page.locator(f'li[data-call="{call_id}"]')
        await expect(row).to_have_count(int(call_id in call_ids))

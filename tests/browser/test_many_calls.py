"""A list of 10,000 calls."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Page, expect

from tests.browser.filled_calls import fill
from tests.browser.visitor import Visitor
from tests.end_to_end.processes import running

CALLS = 10_000
PAGE_CALLS = 50
SLOWEST_FIRST_LIST_MILLISECONDS = 5_000
"""It takes half a second on a quiet machine; tests share theirs."""


async def test_a_long_list_is_paged_filtered_and_searched(
    visitor: Visitor, database_url: str, service_environment: dict[str, str], tmp_path: Path
) -> None:
    await fill(database_url, CALLS)
    async with (
        running(tmp_path / "serve.log", "serve", "--no-worker", environment=service_environment) as serve,
        visitor.at(serve.url) as page,
    ):
        rows = page.locator("tr[data-call]")
        await expect(rows).to_have_count(PAGE_CALLS)
        shown = await page.evaluate("performance.now()")
        assert shown < SLOWEST_FIRST_LIST_MILLISECONDS
        await expect(page.get_by_role("link", name="All 10,000")).to_be_visible()

        seen = await _ids(page)
        for number in range(1, 4):
            await page.get_by_role("button", name="Older").click()
            await expect(page.locator(".pager p")).to_contain_text(f"{number * PAGE_CALLS + 1}\N{EN DASH}")
            await expect(page.locator(f'[data-call="{seen[-1]}"]')).to_have_count(0)
            seen += await _ids(page)
        assert len(set(seen)) == len(seen) == 4 * PAGE_CALLS
        await page.get_by_role("button", name="Newer").click()
        await expect(page.locator("tr[data-call]").first).to_have_attribute("data-call", seen[2 * PAGE_CALLS])
        await page.get_by_role("button", name="Newest").click()
        await expect(rows.first).to_have_attribute("data-call", seen[0])

        await page.get_by_role("navigation", name="Show calls by state").get_by_text("Failed").click()
        await expect(page.locator('tr [data-state="FAILED"]')).to_have_count(PAGE_CALLS)
        assert page.url.endswith("#/?state=FAILED")
        await page.get_by_role("link", name="All").first.click()
        await page.get_by_role("searchbox").fill(f"CHARGER {seen[60].split('-')[0]}")
        await expect(page.locator("tr[data-call] .summary").first).to_have_text(
            "Charger missing; angry at silence."
        )
        await page.get_by_role("searchbox").fill("unheard-of")
        await expect(page.get_by_role("heading", name="No call fits “unheard-of”")).to_be_visible()
        await page.get_by_role("link", name="Show all calls again").click()
        await expect(rows.first).to_have_attribute("data-call", seen[0])
        await expect(page.get_by_role("searchbox")).to_have_value("")


async def _ids(page: Page) -> list[str]:
    ids: list[str] = await page.locator("tr[data-call]").evaluate_all(
        "rows => rows.map(row => row.dataset.call)"
    )
    return ids

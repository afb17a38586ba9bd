"""Chromium, and people who look at the page with it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.browser.stand_in_ai import StandInAi
from tests.browser.visitor import Visitor

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",  # root has none
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SLOWEST_MILLISECONDS = 20_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One Chromium serves all who look here, and so one event loop."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed; on Debian: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(browser: Browser) -> AsyncIterator[Visitor]:
    """Whatever the page tells its console, or asks of elsewhere, fails the test."""
    visitor = Visitor(browser, SLOWEST_MILLISECONDS)
    yield visitor
    assert visitor.faults == []


@pytest_asyncio.fixture(loop_scope="session")
async def stand_in_ai() -> AsyncIterator[StandInAi]:
    ai = StandInAi()
    async with ai.running():
        yield ai


@pytest.fixture
def service_environment(database_url: str, stand_in_ai: StandInAi, tmp_path: Path) -> dict[str, str]:
    return environment_of_a_service(database_url, stand_in_ai, tmp_path)


def environment_of_a_service(database_url: str, ai: StandInAi, folder: Path) -> dict[str, str]:
    """Of one that soon knows what it will: one attempt a run, one run more, at once."""
    return {
        "TRUNKLINE_DATABASE_URL": database_url,
        "TRUNKLINE_DATA_DIR": str(folder / "data"),
        "TRUNKLINE_PORT": "0",
        "TRUNKLINE_AI_BASE_URL": ai.base_url,
        "TRUNKLINE_AI_RETRY_ATTEMPTS": "1",
        "TRUNKLINE_AI_RUN_DELAYS_SECONDS": "0.3",
        "TRUNKLINE_SETTLE_SECONDS": "0",
    }

"""Somebody who looks at the page, and hears what it complains of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, ConsoleMessage, Page, Request, expect


class Visitor:
    """``faults`` has what should not have been: errors, warnings, requests to elsewhere.

    A violation of the page's policy is among the errors.

    Messages that have ``bears`` in them are none: the browser tells of each request that fails.
    """

    def __init__(self, browser: Browser, patience_milliseconds: float) -> None:
        self.faults: list[str] = []
        self.bears: str | None = None
        self._browser = browser
        self._patience_milliseconds = patience_milliseconds
        expect.set_options(timeout=patience_milliseconds)

    @asynccontextmanager
    async def at(self, url: str, **options: Any) -> AsyncIterator[Page]:
        """In a browser of its own: nothing kept, English, UTC, 1,280 pixels wide, or as ``options`` say."""
        known: dict[str, Any] = {
            "locale": "en-GB",
            "timezone_id": "UTC",
            "viewport": {"width": 1280, "height": 900},
        }
        context = await self._browser.new_context(**(known | options))
        try:
            context.set_default_timeout(self._patience_milliseconds)
            page = await context.new_page()
            page.on("console", self._hear)
            page.on("pageerror", lambda error: self.faults.append(str(error)))
            page.on("request", lambda request: self._watch(request, url))
            await page.goto(url)
            yield page
        finally:
            await context.close()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        if self.bears is None or self.bears not in message.text:
            self.faults.append(f"{message.type}: {message.text}")

    def _watch(self, request: Request, url: str) -> None:
        origin = "/".join(url.split("/", 3)[:3])
        if not request.url.startswith((f"{origin}/", f"blob:{origin}/", "data:image/svg")):
            self.faults.append(f"asked for {request.url}")

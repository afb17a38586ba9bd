"""What the page makes of what comes late, out of order, from another clock, or in large numbers."""

from __future__ import annotations

import io
import wave
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.scripted_service import ScriptedService
from tests.browser.visitor import Visitor


@pytest.fixture
async def service() -> AsyncIterator[ScriptedService]:
    service = ScriptedService()
    async with service.running():
        yield service


async def test_the_list_is_true_whatever_comes_late(visitor: Visitor, service: ScriptedService) -> None:
    """An answer that is older than an event does not undo it; typing and filtering do not undo each other."""
    service.calls = [service.call("c-1", "PROCESSING_AI"), service.call("c-0", "FAILED")]
    async with visitor.at(service.url) as page:
        state = page.locator('[data-call="c-1"] [data-state]')
        await expect(state).to_have_text("With the AI")

        service.goes_on.clear()
        service.calls[1] = service.call("c-0", "ARCHIVED", summary="Asked for again.")
        async with page.expect_request("**/v1/calls?*"):
            await service.tell("call", **_history("c-0", "call_archived", "ARCHIVED", run=1))
        await service.tell("call", **_history("c-1", "call_archived", "ARCHIVED", run=1))
        await expect(state).to_have_text("Archived")
        service.goes_on.set()
        await expect(page.get_by_text("Asked for again.")).to_be_visible()
        assert await state.text_content() == "Archived"

        searchbox = page.get_by_role("searchbox")
        await searchbox.press_sequentially("refund ")
        await page.get_by_role("navigation", name="Show calls by state").get_by_text("Failed").click()
        await expect(page).to_have_url(f"{service.url}/#/?state=FAILED&search=refund")
        await expect(searchbox).to_have_value("refund ")


async def test_times_are_by_the_service_s_clock(visitor: Visitor, service: ScriptedService) -> None:
    """Of a call that goes on, the length is right also where the viewer's clock is an hour off."""
    service.ahead = timedelta(hours=1)
    service.calls = [service.call("c-1", "IN_PROGRESS")]
    async with visitor.at(service.url) as page:
        length = page.locator('[data-call="c-1"] .c-length')
        await service.tell_overview()
        await expect(length).to_contain_text("1:0")


async def test_the_ai_s_health_is_what_it_last_did(visitor: Visitor, service: ScriptedService) -> None:
    async with visitor.at(service.url) as page:
        card = page.locator(".figure", has_text="Attempts")
        await service.tell_overview(attempts_total=100, failures_total=90)
        await expect(card.locator(".value")).to_have_text("Idle")
        await service.tell_overview(attempts_total=103, failures_total=93)
        await expect(card.locator(".value")).to_have_text("Failing")
        for _ in range(130):  # as many as are looked back at
            await service.tell_overview(attempts_total=103, failures_total=93, waiting=8)
        await expect(card).to_contain_text("8")
        await expect(card.locator(".value")).to_have_text("Failing")
        await service.tell_overview(attempts_total=109, failures_total=93)
        await expect(card.locator(".value")).to_have_text("Healthy")


async def test_failures_are_chosen_together_and_kept_while_one_is_looked_at(
    visitor: Visitor, service: ScriptedService
) -> None:
    service.calls = [service.call(f"c-{number:03}", "FAILED") for number in range(130)]
    newest_at = service.at.isoformat()
    service.failures = [
        {"reason": "ai_refused", "count": 130, "newest_at": newest_at, "example_detail": "401"}
    ]
    async with visitor.at(f"{service.url}/#/failures") as page:
        rows = page.locator("li[data-call]")
        await page.get_by_role("button", name="Show the 130 calls").click()
        await expect(rows).to_have_count(50)
        await page.get_by_role("button", name="Show older").click()
        await expect(rows).to_have_count(100)
        await page.get_by_role("checkbox", name="Choose all 100 shown").check()
        await expect(page.get_by_text("100 calls chosen")).to_be_visible()

        async with page.expect_response("**/v1/calls?*"):
            failed = {"reason": "ai_refused", "detail": "401", "run": 1}
            await service.tell("call", **_history("c-000", "call_failed", "FAILED", **failed))
        await expect(rows).to_have_count(100)

        await page.get_by_role("button", name="Reprocess c-003").focus()
        service.calls[3]["state"] = "PROCESSING_AI"
        await service.tell("call", **_history("c-003", "reprocess_requested", "PROCESSING_AI"))
        await expect(page.get_by_text("99 calls chosen")).to_be_visible()
        await expect(page.get_by_role("button", name="Reprocess c-004")).to_be_focused()

        await page.get_by_role("link", name="c-005", exact=True).click()
        await page.locator(".call-head").get_by_role("link", name="Failures").click()
        await expect(page.get_by_text("99 calls chosen")).to_be_visible()
        await expect(rows.first).to_be_visible()


async def test_a_long_transcript_follows_and_focus_stays(visitor: Visitor, service: ScriptedService) -> None:
    stream = {
        "stream": "main",
        "received": 3000,
        "next_expected": 3001,
        "missing": [],
        "duration_seconds": 60.0,
    }
    media = {"encoding": "audio/x-mulaw", "sample_rate_hz": 8000, "channels": 1}
    service.calls = [
        service.call("c-2", "ARCHIVED"),
        service.call("c-1", "ARCHIVED", media=media, streams=[stream]),
    ]
    segments = [
        {"start_seconds": float(at), "end_seconds": at + 1.0, "stream": "main", "text": f"Sentence {at}."}
        for at in range(60)
    ]
    service.more = {"c-1": {"segments": segments}}
    peaks = [0.5] * 1200
    service.waveforms["c-1"] = {
        "duration_seconds": 60.0,
        "streams": [{"stream": "main", "peaks": peaks, "gaps": []}],
    }
    async with visitor.at(service.url) as page:
        await page.get_by_role("link", name="c-1").click()
        await page.route(
            "**/audio.wav*", lambda route: route.fulfill(body=_silence(60), content_type="audio/wav")
        )
        for _ in range(8):
            await page.get_by_role("slider").press("ArrowRight")
        await page.get_by_role("button", name="Play").press("Enter")
        spoken = page.locator(".segments li[aria-current]")
        await expect(spoken).to_contain_text("Sentence 4")
        await page.wait_for_function(_IN_ITS_BOX)
        await expect(page.get_by_role("button", name="Pause")).to_be_focused()
        await page.get_by_role("link", name="Calls").last.click()
        await expect(page.get_by_role("link", name="c-1")).to_be_focused()


_IN_ITS_BOX = """() => {
  const line = document.querySelector(".segments li[aria-current]").getBoundingClientRect();
  const box = document.querySelector(".segments").getBoundingClientRect();
  return line.top >= box.top && line.bottom <= box.bottom;
}"""


def _history(call_id: str, event: str, state: str, **detail: Any) -> dict[str, Any]:
    return {"call_id": call_id, "version": 9, "event": event, "state": state, "detail": detail}


def _silence(seconds: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8_000)
        sound.writeframes(bytes(16_000 * seconds))
    return file.getvalue()

"""What the page makes of what comes late, out of order, from another clock, or in large numbers."""

from __future__ import annotations

import io
import re
import wave
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest_asyncio
from playwright.async_api import expect

from tests.browser.scripted_service import ScriptedService
from tests.browser.visitor import Visitor
from tests.waiting import until

MEDIA = {"encoding": "audio/x-mulaw", "sample_rate_hz": 8_000, "channels": 1}
HOUR_SECONDS = 3_600
MOST_MARKS = 600
"""Of the gaps of a call: more take seconds to draw."""


@pytest_asyncio.fixture(loop_scope="session")
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
        asked = len(service.asked)
        await service.tell("call", **_history("c-0", "call_archived", "ARCHIVED", run=1))
        await until(lambda: len(service.asked) > asked)
        service.calls[0] = service.call("c-1", "ARCHIVED", version=9)
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


async def test_an_event_that_a_row_knows_of_does_not_set_it_back(
    visitor: Visitor, service: ScriptedService
) -> None:
    """The feed is up to half a second behind the API."""
    service.calls = [service.call("c-1", "ARCHIVED", version=4), service.call("c-0", "COMPLETED", version=2)]
    async with visitor.at(service.url) as page:
        state = page.locator("[data-call] [data-state]")
        await expect(state).to_have_text(["Archived", "Waiting"])
        service.goes_on.clear()
        await service.tell("call", **_history("c-1", "run_started", "PROCESSING_AI", version=3, run=1))
        await service.tell("call", **_history("c-0", "run_started", "PROCESSING_AI", version=3, run=1))
        await service.tell("call", **_history("c-0", "call_completed", "COMPLETED", version=2))
        await expect(state.nth(1)).to_have_text("With the AI")
        assert await state.all_text_contents() == ["Archived", "With the AI"]


async def test_times_are_by_the_service_s_clock(visitor: Visitor, service: ScriptedService) -> None:
    """Of a call that goes on, the length is right also where the viewer's clock is an hour off."""
    service.ahead = timedelta(hours=1)
    service.calls = [service.call("c-1", "IN_PROGRESS")]
    async with visitor.at(service.url) as page:
        length = page.locator('[data-call="c-1"] .c-length')
        await service.tell_overview()
        await expect(length).to_contain_text("1:0")


async def test_a_laptop_that_slept_reads_the_feed_anew(visitor: Visitor, service: ScriptedService) -> None:
    """The old connection is silent, though nobody said that it is over."""
    async with visitor.at(service.url) as page:
        await page.clock.install()
        await page.reload()
        mark = page.locator("[data-connection]")
        await expect(mark).to_have_text("Connected")
        async with page.expect_request("**/v1/events*"):
            await page.clock.fast_forward("10:00")
        await expect(mark).to_have_text("Connected")


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
            failed: dict[str, Any] = {"reason": "ai_refused", "detail": "401", "run": 1}
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


async def test_a_long_call_is_followed_and_focus_stays(visitor: Visitor, service: ScriptedService) -> None:
    """However much of it is missing. Who speaks has the colour of their lane, whoever spoke first."""
    _place_long_call(service)
    async with visitor.at(service.url) as page:
        await page.get_by_role("link", name="c-1").click()
        place = page.get_by_role("slider")
        marks = place.locator("[part~=region]")
        await expect(marks).not_to_have_count(0)
        assert await marks.count() < MOST_MARKS
        assert await page.evaluate(_NAMES_COVER_NO_SOUND)
        for _ in range(8):
            await place.press("ArrowRight")
        await page.get_by_role("button", name="Play").press("Enter")
        spoken = page.locator(".segments li[aria-current]")
        await expect(spoken).to_contain_text("Sentence 4")
        await page.wait_for_function(_IN_ITS_BOX)
        await expect(page.get_by_role("button", name="Pause")).to_be_focused()
        lines = page.locator(".segments li")
        await expect(lines.nth(0)).to_have_class("second")
        await expect(lines.nth(1)).to_have_class("")
        await page.get_by_role("link", name="Calls").last.click()
        await expect(page.get_by_role("link", name="c-1")).to_be_focused()


async def test_streams_have_their_lengths_while_they_grow(visitor: Visitor, service: ScriptedService) -> None:
    """Where there are none, it is told whether one may come yet."""
    service.calls = [service.call("c-1", "IN_PROGRESS", media=MEDIA), service.call("c-0", "ARCHIVED")]
    async with visitor.at(f"{service.url}/#/calls/c-1") as page:
        streams = page.get_by_role("region", name="Streams")
        await expect(streams).to_contain_text("No packet has come yet.")
        grown = [_stream("agent", 600, 12.0), _stream("caller", 250, 5.0)]
        await service.tell("progress", call_id="c-1", packets=850, duration_seconds=12.0, streams=grown)
        await expect(streams.locator("[data-stream] p")).to_have_text(["agent0:12", "caller0:05"])
        await page.goto(f"{service.url}/#/calls/c-0")
        await expect(streams).to_contain_text("No packet came.")


async def test_an_hour_is_heard_at_once_and_wherever_one_wants(
    visitor: Visitor, service: ScriptedService
) -> None:
    """Only what is near the place is fetched. What cannot be fetched is told in the service's words."""
    _place_recording(service, "c-1", "ARCHIVED", HOUR_SECONDS)
    async with visitor.at(f"{service.url}/#/calls/c-1") as page:
        place, lanes = page.get_by_role("slider"), page.locator(".lanes")
        await page.get_by_role("button", name="Play").click()
        await expect(place).to_have_attribute("aria-valuenow", "1")
        await lanes.click()
        await expect(place).to_have_attribute("aria-valuenow", re.compile("180[1-9]"))
        taken = sum(heard.byte_count for heard in service.heard)  # what waits in sockets too
        assert taken < len(service.sounds["c-1"]) * 3 / 4
        assert service.heard[-1].wanted.startswith("bytes=28")  # near 28.8 MB

        del service.sounds["c-1"]
        visitor.bears = "409 (Conflict)"
        await lanes.click(position={"x": 200, "y": 20})
        await expect(page.locator(".player .banner")).to_contain_text("What was received is no longer kept.")
        await expect(page.get_by_role("button", name="Play")).to_be_visible()


async def test_the_last_place_that_is_asked_for_is_gone_to(
    visitor: Visitor, service: ScriptedService
) -> None:
    """Also where it comes before the browser has begun to go to the one before."""
    _place_recording(service, "c-1", "ARCHIVED", HOUR_SECONDS)
    async with visitor.at(f"{service.url}/#/calls/c-1") as page:
        place = page.get_by_role("slider")
        await page.get_by_role("button", name="Play").click()
        await expect(place).to_have_attribute("aria-valuenow", "1")
        await page.get_by_role("button", name="Pause").click()
        await place.evaluate(_PRESS_AT_ONCE, ["End", "Home"])
        await expect(place).to_have_attribute("aria-valuenow", "0")


async def test_a_file_that_can_change_is_fetched_once_as_a_whole(
    visitor: Visitor, service: ScriptedService
) -> None:
    """While packets may come, parts of it that are fetched later might not fit."""
    _place_recording(service, "c-1", "COMPLETED", 60)
    async with visitor.at(f"{service.url}/#/calls/c-1") as page:
        place = page.get_by_role("slider")
        await page.get_by_role("button", name="Play").click()
        await expect(place).to_have_attribute("aria-valuenow", "1")
        await page.locator(".lanes").click()
        await expect(place).to_have_attribute("aria-valuenow", re.compile("3[1-9]"))
        assert [heard.wanted for heard in service.heard] == ["whole"]


async def test_a_recording_that_is_not_kept_has_no_download(
    visitor: Visitor, service: ScriptedService
) -> None:
    service.calls = [service.call("c-1", "ARCHIVED", media=MEDIA)]
    visitor.bears = "409 (Conflict)"
    async with visitor.at(f"{service.url}/#/calls/c-1") as page:
        await expect(page.locator(".player .banner")).to_contain_text("There is nothing to hear.")
        await expect(page.get_by_role("link", name="JSON")).to_be_visible()
        await expect(page.get_by_role("link", name="WAV")).to_have_count(0)


def _place_recording(service: ScriptedService, call_id: str, state: str, seconds: float) -> None:
    service.calls = [service.call(call_id, state, media=MEDIA)]
    recorded = {"stream": "main", "peaks": [0.5] * 1_200, "gaps": []}
    service.waveforms[call_id] = {"duration_seconds": float(seconds), "streams": [recorded]}
    service.sounds[call_id] = _silence(int(seconds))


def _place_long_call(service: ScriptedService) -> None:
    """A minute; a packet in fifty is missing, and the second stream speaks first."""
    names = ("agent", "caller")
    streams = [_stream(name, 3_000, 60.0) for name in names]
    service.calls = [
        service.call("c-2", "ARCHIVED"),
        service.call("c-1", "ARCHIVED", media=MEDIA, streams=streams),
    ]
    segments = [
        {"start_seconds": float(at), "end_seconds": at + 1.0, "stream": name, "text": f"Sentence {at}."}
        for at, name in enumerate(["caller", "agent"] * 30)
    ]
    gaps = [[at * 0.06, at * 0.06 + 0.02] for at in range(1_000)]
    recorded = [{"stream": name, "peaks": [0.5] * 1_200, "gaps": gaps} for name in names]
    service.more["c-1"] = {"segments": segments}
    service.waveforms["c-1"] = {"duration_seconds": 60.0, "streams": recorded}
    service.sounds["c-1"] = _silence(60)


_NAMES_COVER_NO_SOUND = """() => {
  const sound = document.querySelector(".lanes").getBoundingClientRect();
  const names = [...document.querySelectorAll(".lane")].map(name => name.getBoundingClientRect());
  return names.length === 2 && names.every(name => name.width > 0 && name.right <= sound.left);
}"""


_PRESS_AT_ONCE = """(element, keys) => {
  for (const key of keys) element.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
}"""


_IN_ITS_BOX = """() => {
  const line = document.querySelector(".segments li[aria-current]").getBoundingClientRect();
  const box = document.querySelector(".segments").getBoundingClientRect();
  return line.top >= box.top && line.bottom <= box.bottom;
}"""


def _stream(name: str, received: int, seconds: float) -> dict[str, Any]:
    return {
        "stream": name,
        "received": received,
        "duplicates": 0,
        "next_expected": received + 1,
        "missing": [],
        "duration_seconds": seconds,
    }


def _history(call_id: str, event: str, state: str, version: int = 9, **detail: Any) -> dict[str, Any]:
    return {"call_id": call_id, "version": version, "event": event, "state": state, "detail": detail}


def _silence(seconds: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8_000)
        sound.writeframes(bytes(16_000 * seconds))
    return file.getvalue()

"""A service whose every word a test chooses: the page's own files, the API's answers, and the feed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs
from aiohttp import web

from entrypoints.http.page import ASSET_ROUTE, PAGE_ROUTE, PageHandlers
from entrypoints.http.wav_answers import wav_answer

STATES: Final = ("IN_PROGRESS", "COMPLETED", "PROCESSING_AI", "ARCHIVED", "FAILED")
CHUNK_BYTES: Final = 16_000


@attrs.define
class Heard:
    wanted: str
    byte_count: int = 0


@attrs.frozen
class _Sound:
    """A WavFile of bytes that are there."""

    _content: bytes
    version: str | None
    _heard: Heard

    @property
    def byte_count(self) -> int:
        return len(self._content)

    async def chunks(self, first_byte: int = 0, after_byte: int | None = None) -> AsyncIterator[bytes]:
        end = self.byte_count if after_byte is None else after_byte
        for start in range(first_byte, end, CHUNK_BYTES):
            chunk = self._content[start : min(start + CHUNK_BYTES, end)]
            yield chunk
            self._heard.byte_count += len(chunk)


class ScriptedService:
    """``calls`` has summaries, newest first; ``more`` what a call's details have beside its summary,
    ``waveforms`` and ``sounds`` (WAV) its recording. ``heard`` has, for each request for a sound, the range
    that was asked for, or "whole", and how many bytes were taken.

    ``at`` is the time by its clock. While ``goes_on`` is not set, a list is answered later, with the
    calls that there were when it was asked for. ``asked`` has the paths and queries that were asked for.
    """

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.more: dict[str, dict[str, Any]] = {}
        self.waveforms: dict[str, dict[str, Any]] = {}
        self.sounds: dict[str, bytes] = {}
        self.heard: list[Heard] = []
        self.failures: list[dict[str, Any]] = []
        self.ahead = timedelta()
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.asked: list[str] = []
        self.url = ""
        self._readers: list[web.StreamResponse] = []
        self._is_read = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        page = PageHandlers()
        application = web.Application()
        application.add_routes(
            [
                web.get(PAGE_ROUTE, page.page),
                web.get(ASSET_ROUTE, page.asset),
                web.get("/v1/events", self._events),
                web.get("/v1/calls", self._list),
                web.get("/v1/calls/{call_id}", self._call),
                web.get("/v1/calls/{call_id}/waveform", self._waveform),
                web.get("/v1/calls/{call_id}/audio.wav", self._audio),
                web.get("/v1/failures", self._failures),
                web.get("/v1/reprocess", self._batches),
            ]
        )
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            host, port = runner.addresses[0][:2]
            self.url = f"http://{host}:{port}"
            yield
        finally:
            self.goes_on.set()
            await runner.cleanup()

    @property
    def at(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def call(self, call_id: str, state: str, **fields: Any) -> dict[str, Any]:
        """A summary as the API has it, of a text call that began a minute ago."""
        began_at = self.at - timedelta(minutes=1)
        return {
            "call_id": call_id,
            "state": state,
            "version": 1,
            "started_at": began_at.isoformat(),
            "completed_at": None if state == "IN_PROGRESS" else self.at.isoformat(),
            "archived_at": None,
            "media": {"encoding": "text/plain", "sample_rate_hz": None, "channels": None},
            "metadata": {},
            "streams": [],
            "runs": 1,
            "next_run_at": None,
            "failure": {"reason": "ai_refused", "detail": "401"} if state == "FAILED" else None,
            "transcript": None,
            "summary": None,
            "sentiment": None,
        } | fields

    async def tell(self, kind: str, **data: Any) -> None:
        """All who read the feed, once somebody does."""
        await self._is_read.wait()
        for reader in self._readers:
            await reader.write(_event(kind, {"at": self.at.isoformat()} | data))

    async def tell_overview(self, **ai: Any) -> None:
        await self.tell("overview", **self._figures(ai), **_TRAFFIC)

    def _figures(self, ai: dict[str, Any]) -> dict[str, Any]:
        counts = {state: sum(call["state"] == state for call in self.calls) for state in STATES}
        return {"calls_by_state": counts, "ai": _AI | ai}

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(_event("snapshot", {"at": self.at.isoformat(), "live": [], **self._figures({})}))
        self._readers.append(response)
        self._is_read.set()
        await asyncio.Event().wait()
        return response

    async def _list(self, request: web.Request) -> web.Response:
        self.asked.append(request.path_qs)
        state, limit = request.query.get("state"), int(request.query["limit"])
        fitting = [call for call in self.calls if state in (None, call["state"])]
        first = int(request.query.get("after", 0))
        after = first + limit
        answer = {"calls": fitting[first:after], "next": str(after) if len(fitting) > after else None}
        text = json.dumps(answer)
        await self.goes_on.wait()
        return web.Response(text=text, content_type="application/json")

    async def _call(self, request: web.Request) -> web.Response:
        call_id = request.match_info["call_id"]
        call = next((call for call in self.calls if call["call_id"] == call_id), None)
        if call is None:
            return web.json_response({"detail": "no such call"}, status=404)
        nothing: dict[str, Any] = {"transcript_reason": None, "segments": [], "history": []}
        return web.json_response(call | nothing | self.more.get(call_id, {}))

    async def _waveform(self, request: web.Request) -> web.Response:
        waveform = self.waveforms.get(request.match_info["call_id"])
        if waveform is None:
            return web.json_response({"detail": "what was received is no longer kept"}, status=409)
        return web.json_response(waveform)

    async def _audio(self, request: web.Request) -> web.StreamResponse:
        call_id = request.match_info["call_id"]
        if call_id not in self.sounds:
            return web.json_response({"detail": "what was received is no longer kept"}, status=409)
        state = next(call["state"] for call in self.calls if call["call_id"] == call_id)
        heard = Heard(request.headers.get("Range", "whole"))
        self.heard.append(heard)
        version = None if state in ("IN_PROGRESS", "COMPLETED") else "of-its-first-run"
        return await wav_answer(request, _Sound(self.sounds[call_id], version, heard))

    async def _failures(self, request: web.Request) -> web.Response:
        return web.json_response({"groups": self.failures})

    async def _batches(self, request: web.Request) -> web.Response:
        return web.json_response({"batches": [], "next": None})


_AI: Final[dict[str, Any]] = {
    "configured": True,
    "attempts_total": 0,
    "failures_total": 0,
    "waiting": 0,
    "processing": 0,
    "oldest_waiting_seconds": None,
}
_TRAFFIC: Final[dict[str, Any]] = {
    "packets_per_second": 50.0,
    "ack_latency_ms": {"p50": 2.0, "p99": 9.0},
    "durability": "ready",
    "spooled_requests": 0,
}


def _event(kind: str, data: dict[str, Any]) -> bytes:
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()

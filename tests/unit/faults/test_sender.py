"""The sender does what a PBX does, and tells the history first."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import attrs
from aiohttp import web

from faults.history import HistoryWriter, Request, read_history, requests_of
from faults.load import Load
from faults.sender import Sender
from tests.waiting import until


@attrs.define(eq=False)
class FakeApi:
    """Answers with ``statuses`` in turn, and then with 202; None breaks the connection."""

    history: Path
    statuses: list[int | None] = attrs.field(factory=list)
    seen: list[tuple[str, str]] = attrs.field(factory=list)
    known_before: list[int] = attrs.field(factory=list)
    """How many attempts the history had when each request came in."""

    async def answer(self, request: web.Request) -> web.Response:
        await request.read()
        self.seen.append((request.method, request.path))
        self.known_before.append(len(requests_of(read_history(self.history))))
        status = self.statuses.pop(0) if self.statuses else 202
        if status is None:
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"streams": []}, status=status or 202)


@asynccontextmanager
async def sending(
    folder: Path, *statuses: int | None, hang_up_share: float = 0
) -> AsyncIterator[tuple[Sender, FakeApi]]:
    path = folder / "history.jsonl"
    api = FakeApi(path, list(statuses))
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", api.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        with HistoryWriter(path) as history:
            async with aiohttp.ClientSession() as session:
                yield Sender(url, history, session, random.Random(1), hang_up_share), api
    finally:
        await runner.cleanup()


def told(folder: Path) -> list[Request]:
    return requests_of(read_history(folder / "history.jsonl"))


async def test_the_same_request_is_sent_until_there_is_an_answer(tmp_path: Path) -> None:
    async with sending(tmp_path, 503, None) as (sender, api):
        answer = await sender.until_told("packet", "c-1", {"sequence": 1})
    assert answer.is_acknowledgement
    assert api.seen == [("POST", "/v1/call/stream/c-1")] * 3
    assert [request.status for request in told(tmp_path)] == [503, None, 202]
    assert {str(request.attempt.body) for request in told(tmp_path)} == {"{'sequence': 1}"}


async def test_a_refusal_is_an_answer(tmp_path: Path) -> None:
    async with sending(tmp_path, 409) as (sender, api):
        answer = await sender.until_told("complete", "c-1", {})
    assert (answer.status, len(api.seen)) == (409, 1)


async def test_the_attempt_is_in_the_history_before_the_request_goes_out(tmp_path: Path) -> None:
    async with sending(tmp_path) as (sender, api):
        for number in (1, 2):
            await sender.until_told("packet", "c-1", {"sequence": number})
    assert api.known_before == [1, 2]


async def test_who_hangs_up_is_told_nothing(tmp_path: Path) -> None:
    async with sending(tmp_path, hang_up_share=1) as (sender, _):
        assert await sender.once("packet", "c-1", {"sequence": 1}) is None
    (request,) = told(tmp_path)
    assert request.outcome is not None
    assert request.status is None
    assert (request.outcome.trouble or "").startswith("hung up after")


async def test_a_load_places_its_calls_to_their_end(tmp_path: Path) -> None:
    async with sending(tmp_path) as (sender, api):
        load = Load(sender, seed=1, calls_per_second=50)
        running = asyncio.create_task(load.run())
        await until(lambda: len(api.seen) > 5, within_seconds=10)
        load.stop()
        await running
    requests = told(tmp_path)
    calls = {request.attempt.call_id for request in requests}
    assert calls == {f"call-1-{number}" for number in range(len(calls))}
    assert {request.attempt.action for request in requests} >= {"init", "packet", "complete"}
    assert all(request.was_acknowledged for request in requests)


async def test_a_load_of_no_calls_is_over_at_once(tmp_path: Path) -> None:
    async with sending(tmp_path) as (sender, _):
        await Load(sender, seed=1, calls_per_second=0).run()
    assert told(tmp_path) == []

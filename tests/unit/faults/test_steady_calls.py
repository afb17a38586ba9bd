"""The steady load keeps its pace, waits for nobody, and counts what it was answered."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest
from aiohttp import web

from faults.history import HistoryWriter, Request, read_history, requests_of
from faults.steady_calls import SteadyCalls, latencies_of
from tests.waiting import until


@attrs.define(eq=False)
class FakeApi:
    """Answers a packet with ``packet_status``, once it may."""

    packet_status: int = 202
    may_answer: asyncio.Event = attrs.field(factory=asyncio.Event)
    came: Counter[str] = attrs.field(factory=Counter)
    """Packets by path, which has the call."""

    async def answer(self, request: web.Request) -> web.Response:
        await request.read()
        if "/stream/" not in request.path:
            return web.json_response({}, status=202)
        self.came[request.path] += 1
        await self.may_answer.wait()
        return web.json_response({}, status=self.packet_status)


@asynccontextmanager
async def load_on(api: FakeApi, folder: Path) -> AsyncIterator[SteadyCalls]:
    """Two thousand packets a second; stopped, and told all, at the end."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", api.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    try:
        with HistoryWriter(folder / "history.jsonl") as history:
            port = runner.addresses[0][1]
            calls = SteadyCalls(port, history, seed=1, packets_per_second=2000.0)
            running = asyncio.create_task(calls.run())
            yield calls
            calls.stop()
            await running
    finally:
        await runner.cleanup()


def told(folder: Path) -> list[Request]:
    return requests_of(read_history(folder / "history.jsonl"))


async def test_every_packet_that_is_announced_goes_out_once_and_every_call_is_completed(
    tmp_path: Path,
) -> None:
    api = FakeApi()
    api.may_answer.set()
    async with load_on(api, tmp_path) as calls:
        await until(lambda: api.came.total() > 100, within_seconds=10)
    requests = told(tmp_path)
    assert all(request.status == 202 for request in requests)
    assert len(calls.writes) == len(requests)
    sequences: dict[str, list[int]] = {}
    for request in requests:
        if request.attempt.action == "packet":
            sequences.setdefault(request.attempt.call_id, []).append(request.attempt.body["sequence"])
    assert sum(map(len, sequences.values())) == api.came.total()
    assert max(map(len, sequences.values())) <= 75  # of 250, when it was stopped
    assert all(sent == list(range(1, len(sent) + 1)) for sent in sequences.values())
    completed = {
        request.attempt.call_id: request.attempt.body["final_sequence"]["main"]
        for request in requests
        if request.attempt.action == "complete"
    }
    assert completed == {call_id: len(sent) for call_id, sent in sequences.items()}


async def test_what_is_due_does_not_wait_for_answers_and_its_waiting_counts(tmp_path: Path) -> None:
    api = FakeApi()
    async with load_on(api, tmp_path) as calls:
        await until(lambda: max(api.came.values(), default=0) >= 3, within_seconds=10)
        await asyncio.sleep(0.2)
        api.may_answer.set()
    assert latencies_of(write.seconds for write in calls.writes).max_ms >= 200


async def test_what_is_refused_is_counted_and_not_sent_again(tmp_path: Path) -> None:
    api = FakeApi(packet_status=503)
    api.may_answer.set()
    async with load_on(api, tmp_path) as calls:
        await until(lambda: api.came.total() > 10, within_seconds=10)
    assert sum(not write.was_taken for write in calls.writes) == api.came.total()
    assert sum(request.status == 503 for request in told(tmp_path)) == api.came.total()


def test_latencies_are_those_of_the_nearest_rank() -> None:
    found = latencies_of(number / 1000 for number in range(1, 201))
    assert found.count == 200
    assert found.p99_ms == pytest.approx(198)
    assert found.max_ms == pytest.approx(200)
    assert latencies_of([]).count == 0

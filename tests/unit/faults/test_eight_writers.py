"""Eight writers: at each of the processes, packets of the same two calls come in both orders."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
from aiohttp import web

from adapters.postgres.lanes import lane_of
from entrypoints.container import FLUSHERS
from faults.eight_writers import PACKETS, WRITERS, EightWriters
from faults.history import HistoryWriter


@attrs.define(eq=False)
class FakeApi:
    """Takes everything. ``packets`` holds call and stream of each packet, in order."""

    packets: list[tuple[str, str]] = attrs.field(factory=list)
    completed: list[str] = attrs.field(factory=list)
    has_completed: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def stream(self, request: web.Request) -> web.Response:
        self.packets.append((request.match_info["call_id"], (await request.json())["stream"]))
        return web.json_response({}, status=202)

    async def complete(self, request: web.Request) -> web.Response:
        self.completed.append(request.match_info["call_id"])
        self.has_completed.set()
        return web.json_response({}, status=202)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        application = web.Application()
        application.router.add_post("/v1/call/stream/{call_id}", self.stream)
        application.router.add_post("/v1/call/complete/{call_id}", self.complete)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        await runner.cleanup()


async def test_each_process_has_both_orders_of_two_calls_that_share_its_transactions(tmp_path: Path) -> None:
    one, other = FakeApi(), FakeApi()
    async with one.running() as one_url, other.running() as other_url:
        with HistoryWriter(tmp_path / "history.jsonl") as history:
            writers = EightWriters((one_url, other_url), history, seed=1)
            running = asyncio.create_task(writers.run())
            await one.has_completed.wait()
            writers.stop()
            await running
    assert len(one.completed) >= 2
    assert len({lane_of(call_id) % FLUSHERS for call_id in one.completed}) == 1
    first_two = set(one.completed[:2])
    for api in (one, other):
        first_of_stream: dict[str, str] = {}
        counts: dict[str, int] = defaultdict(int)
        for call_id, stream in api.packets:
            if call_id in first_two:
                first_of_stream.setdefault(stream, call_id)
                counts[stream] += 1
        assert set(first_of_stream.values()) == first_two
        assert dict(counts) == dict.fromkeys(first_of_stream, 2 * PACKETS)
        assert len(counts) == WRITERS // 2

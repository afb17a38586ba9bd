"""Packets at a steady rate, with and without people who watch: what the feed costs, and how fast it tells."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import attrs

from benchmarks import servers
from benchmarks.bench import WARM_UP_SECONDS, Bench
from benchmarks.contenders.contender import Prefix
from benchmarks.contenders.steady_requests import measurement, run_load
from benchmarks.load.calls import begin_calls
from benchmarks.load.feed_readers import FeedSeen
from benchmarks.load.http_connection import request
from benchmarks.load.packets import as_base64, json_packet, sounds
from benchmarks.load.steady import SteadyLoad
from benchmarks.measurement import Measurement

POSTS_PER_SECOND: Final = 2000
CALLS: Final = 40
"""Fifty packets a second for each."""
CALLS_STARTED_PER_SECOND: Final = 10
READERS: Final = 200
_READY_SECONDS: Final = 30


@attrs.frozen
class Watched:
    """The notes have how long after its time a call's start was told, to all readers."""

    name: str
    title: str
    _readers: int
    _way: str = "events"
    in_rounds: bool = True

    async def run(self, bench: Bench, round_number: int) -> Measurement:
        prefix = Prefix.of(self.name, round_number)
        async with (
            bench.postgres.fresh_database(self.name) as database_url,
            servers.trunkline(bench, database_url) as server,
        ):
            call_ids = prefix.call_ids(CALLS)
            await begin_calls(server.port, call_ids)
            encoded = as_base64(sounds())

            def packet(number: int) -> bytes:
                body = json_packet(1 + number // CALLS, encoded[number % len(encoded)])
                return request("POST", f"/v1/call/stream/{call_ids[number % CALLS]}", body)

            load = SteadyLoad(packet, POSTS_PER_SECOND, frozenset({202}))
            async with (
                watching(bench, server, self._readers, self._way) as seen,
                _starting_calls(server, prefix),
            ):
                result, cores = await run_load(bench, server, load)
            stored = await prefix.stored_packets(database_url)
            return measurement(result, cores, stored, {} if seen is None else _notes(seen))


def alone() -> Watched:
    return Watched("unwatched", "Trunkline at 2,000 POST/s", 0)


def by_many() -> Watched:
    return Watched("watched", f"Trunkline at 2,000 POST/s, {READERS} readers of the feed", READERS)


def by_many_websockets() -> Watched:
    title = f"Trunkline at 2,000 POST/s, {READERS} readers of the feed over WebSockets"
    return Watched("watched-websocket", title, READERS, "websocket")


def _notes(seen: dict[str, float]) -> dict[str, float]:
    return {f"feed {name.replace('_', ' ')}": value for name, value in seen.items()}


@asynccontextmanager
async def watching(
    bench: Bench, server: servers.Server, readers: int, way: str
) -> AsyncIterator[dict[str, float] | None]:
    """What they saw is filled in at the end. None where there are none."""
    if not readers:
        yield None
        return
    file = bench.folder / "feed-readers.json"
    arguments = ["-m", "benchmarks.load.feed_readers", way, str(server.port), str(readers), str(file)]
    seen: dict[str, float] = {}
    async with servers.process(bench, "feed-readers", arguments):
        await _until_ready(bench.folder / "feed-readers.log")
        yield seen
    seen.update(attrs.asdict(FeedSeen(**json.loads(file.read_text("utf-8")))))


async def _until_ready(log: Path) -> None:
    try:
        async with asyncio.timeout(_READY_SECONDS):
            while "ready" not in log.read_text("utf-8"):  # noqa: ASYNC110, ASYNC240 # a small file of its own
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise servers.ServerFailed(servers.last_line(log)) from None


@asynccontextmanager
async def _starting_calls(server: servers.Server, prefix: Prefix) -> AsyncIterator[None]:
    """Calls that start all the time, for the readers to be told of."""

    async def start() -> None:
        number = 0
        while True:
            await begin_calls(server.port, [f"{prefix.text}started-{number}"])
            number += 1
            await asyncio.sleep(1 / CALLS_STARTED_PER_SECOND)

    await asyncio.sleep(WARM_UP_SECONDS)
    starting = asyncio.create_task(start())
    try:
        yield
    finally:
        starting.cancel()
        await asyncio.wait({starting})

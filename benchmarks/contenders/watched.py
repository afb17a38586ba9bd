"""Packets at a steady rate, with and without people who watch: what the feed costs, and how fast it tells.

They come and go while the load goes on, for from one run to the next the p99 differs by more than the readers
make of it, though nothing was changed.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from statistics import fmean
from typing import Final

import attrs

from benchmarks import servers
from benchmarks.bench import WARM_UP_SECONDS, Bench
from benchmarks.contenders.contender import Prefix
from benchmarks.contenders.steady_requests import all_answered, measurement
from benchmarks.latencies import Histogram
from benchmarks.load.calls import begin_calls, end_call
from benchmarks.load.feed_readers import FeedSeen
from benchmarks.load.http_connection import request
from benchmarks.load.packets import as_base64, json_packet, sounds
from benchmarks.load.steady import SteadyLoad
from benchmarks.measurement import ALONE_P99, TOLD_P99, Measurement
from benchmarks.processor_time import ProcessorTime

POSTS_PER_SECOND: Final = 2000
CALLS: Final = 40
"""Fifty packets a second for each."""
CALLS_STARTED_PER_SECOND: Final = 10
CALL_SECONDS: Final = 4
"""Of each of those, of which no packet comes: the load's calls have them all."""
READERS: Final = 200
IS_WATCHED: Final = (False, True, True, False, True, False, False, True)
"""A round's windows. What grows as the round goes on, or comes and goes in it, meets both alike."""
SETTLE_SECONDS: Final = 1.0
"""Before each window: how they come and go is another matter."""
_READY_SECONDS: Final = 30
_LONGEST_SECONDS: Final = 3600


@attrs.frozen
class Watched:
    """The same server with readers and without; the latter is in the notes.

    So is how long after its time a call's start was told, to those readers who look at once.
    """

    name: str
    title: str
    _way: str
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
            comparison = _Comparison(bench, server, self._way, load)
            async with _coming_and_going_calls(server, prefix):
                return await comparison.measured(partial(prefix.stored_packets, database_url))


def by_many() -> Watched:
    return Watched("watched", f"Trunkline at 2,000 POST/s, {READERS} readers of the feed", "events")


def by_many_websockets() -> Watched:
    title = f"Trunkline at 2,000 POST/s, {READERS} readers of the feed over WebSockets"
    return Watched("watched-websocket", title, "websocket")


class _Side:
    """What is measured with readers, or without, in all windows of a round."""

    def __init__(self) -> None:
        self.histogram = Histogram()
        self._cores: list[dict[str, float]] = []

    async def measure(self, bench: Bench, server: servers.Server, load: SteadyLoad) -> None:
        await asyncio.sleep(SETTLE_SECONDS)
        used = ProcessorTime({"server": server.process_id, "PostgreSQL": bench.postgres.process_id})
        used.begin()
        load.count_in(self.histogram)
        await asyncio.sleep(bench.seconds / IS_WATCHED.count(True))
        load.count_in(None)
        self._cores.append(used.end())

    @property
    def cores(self) -> dict[str, float]:
        return {whose: round(fmean(cores[whose] for cores in self._cores), 3) for whose in self._cores[0]}


@attrs.frozen
class _Comparison:
    _bench: Bench
    _server: servers.Server
    _way: str
    _load: SteadyLoad
    _alone: _Side = attrs.field(factory=_Side, init=False)
    _watched: _Side = attrs.field(factory=_Side, init=False)
    _seen: list[FeedSeen] = attrs.field(factory=list, init=False)

    async def measured(self, stored_packets: Callable[[], Awaitable[int]]) -> Measurement:
        async with asyncio.TaskGroup() as tasks:
            loading = tasks.create_task(self._load.run(self._server.port, 0, _LONGEST_SECONDS))
            await asyncio.sleep(WARM_UP_SECONDS)
            for is_watched in IS_WATCHED:
                if is_watched:
                    async with watching(self._bench, self._server, self._way) as seen:
                        await self._measure(self._watched)
                    self._seen.extend(seen)
                else:
                    await self._measure(self._alone)
            self._load.stop()
        result = loading.result()
        all_answered(result)
        latencies = self._watched.histogram.latencies()
        result = attrs.evolve(result, seconds=self._bench.seconds, latencies=latencies)
        return measurement(result, self._watched.cores, await stored_packets(), self._notes())

    async def _measure(self, side: _Side) -> None:
        await side.measure(self._bench, self._server, self._load)

    def _notes(self) -> dict[str, float]:
        alone = self._alone.histogram.latencies()
        return {
            "alone p50 ms": alone.p50_ms,
            ALONE_P99: alone.p99_ms,
            "alone p99.9 ms": alone.p99_9_ms,
            "alone server cores": self._alone.cores["server"],
            "feed snapshots": sum(seen.snapshots for seen in self._seen),
            "feed fewest": min(seen.fewest for seen in self._seen),
            "feed most": max(seen.most for seen in self._seen),
            "feed p50 ms": max(seen.p50_ms for seen in self._seen),
            TOLD_P99: max(seen.p99_ms for seen in self._seen),
            "feed max ms": max(seen.max_ms for seen in self._seen),
        }


@asynccontextmanager
async def watching(bench: Bench, server: servers.Server, way: str) -> AsyncIterator[list[FeedSeen]]:
    """What they saw is filled in at the end."""
    file = bench.folder / "feed-readers.json"
    arguments = ["-m", "benchmarks.load.feed_readers", way, str(server.port), str(READERS), str(file)]
    seen: list[FeedSeen] = []
    async with servers.process(bench, "feed-readers", arguments):
        await _until_ready(bench.folder / "feed-readers.log")
        yield seen
    seen.append(FeedSeen(**json.loads(file.read_text("utf-8"))))


async def _until_ready(log: Path) -> None:
    try:
        async with asyncio.timeout(_READY_SECONDS):
            while "ready" not in log.read_text("utf-8"):  # noqa: ASYNC110, ASYNC240 # a small file of its own
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise servers.ServerFailed(servers.last_line(log)) from None


@asynccontextmanager
async def _coming_and_going_calls(server: servers.Server, prefix: Prefix) -> AsyncIterator[None]:
    """Calls that start and end all the time, for the readers to be told of."""

    async def come_and_go() -> None:
        going_on: deque[str] = deque()
        for number in count():
            call_id = f"{prefix.text}started-{number}"
            await begin_calls(server.port, [call_id])
            going_on.append(call_id)
            if len(going_on) > CALL_SECONDS * CALLS_STARTED_PER_SECOND:
                await end_call(server.port, going_on.popleft())
            await asyncio.sleep(1 / CALLS_STARTED_PER_SECOND)

    await asyncio.sleep(WARM_UP_SECONDS)
    coming = asyncio.create_task(come_and_go())
    try:
        yield
    finally:
        coming.cancel()
        await asyncio.wait({coming})
        if not coming.cancelled():
            coming.result()  # it failed: there was less to be told of

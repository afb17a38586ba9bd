"""The feed over processes that are killed and started again: nothing is missing, and nothing comes twice."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import asyncpg

from tests.end_to_end.api_client import ApiClient
from tests.end_to_end.processes import RunningProcess, running
from tests.http.feed_client import FeedClient, reading
from tests.waiting import until

EVENTS = "SELECT call_id, version FROM call_events"


async def test_a_reader_outlives_its_processes(service_environment: dict[str, str], tmp_path: Path) -> None:
    """One of two is killed, which takes its readers' connections with it; then both are started anew."""
    reader = _Reader()
    async with serving(tmp_path / "first.log", service_environment) as serve:
        await reader.begin(serve.url)
        async with calls_starting(serve.url, "a"):
            await reader.until_more(10)
            killed, _ = [line["pid"] for line in serve.logged("listening")]
            os.kill(killed, signal.SIGKILL)
            await until(lambda: bool(serve.logged("process_ended")))
            await reader.until_more(10)
        port = urlsplit(serve.url).port
        await serve.kill()
    again = service_environment | {"TRUNKLINE_PORT": str(port)}
    async with (
        running(tmp_path / "second.log", "serve", environment=again) as serve,
        calls_starting(serve.url, "b"),
    ):
        await reader.until_more(10)
    connection = await asyncpg.connect(service_environment["TRUNKLINE_DATABASE_URL"])
    stored = {(row["call_id"], row["version"]) for row in await connection.fetch(EVENTS)}
    await connection.close()
    await reader.end()
    assert len(reader.seen) == len(set(reader.seen))
    assert set(reader.seen) <= stored
    of_the_first = {key for key in stored if key[0].startswith("a-")}
    assert of_the_first <= set(reader.seen), "everything before the second's last moments was told"
    assert reader.connections >= 2


@asynccontextmanager
async def serving(log: Path, environment: dict[str, str]) -> AsyncIterator[RunningProcess]:
    async with running(log, "serve", "--processes", "2", environment=environment) as serve:
        await until(lambda: bool(serve.logged("all_processes_listen")))
        yield serve


@asynccontextmanager
async def calls_starting(url: str, prefix: str) -> AsyncIterator[None]:
    """Calls begin and end all the time; what fails for want of a process is let be."""

    async def live(number: int) -> None:
        try:
            async with aiohttp.ClientSession() as session:
                client = ApiClient(session, url)
                await client.init(f"{prefix}-{number}")
                await client.complete(f"{prefix}-{number}", 0)
        except (aiohttp.ClientError, OSError):
            return

    async def for_ever() -> None:
        async with asyncio.TaskGroup() as living:
            number = 0
            while True:
                living.create_task(live(number))
                number += 1
                await asyncio.sleep(0.03)

    going_on = asyncio.create_task(for_ever())
    try:
        yield
    finally:
        going_on.cancel()
        await asyncio.gather(going_on, return_exceptions=True)


class _Reader:
    """Comes back whenever its connection is lost, as a browser does."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []
        self.connections = 0
        self._place = ""
        self._reading: asyncio.Task[None] | None = None

    async def begin(self, url: str) -> None:
        async with reading(url) as feed:
            self._place = (await feed.next()).id
        self._reading = asyncio.create_task(self._read(url))

    async def until_more(self, events: int) -> None:
        wanted = len(self.seen) + events
        await until(lambda: len(self.seen) >= wanted)

    async def end(self) -> None:
        assert self._reading is not None
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self, url: str) -> None:
        while True:
            try:
                async with reading(url, last_event_id=self._place) as feed:
                    self.connections += 1
                    await self._read_from(feed)
            except (aiohttp.ClientError, OSError, EOFError):
                await asyncio.sleep(0.05)

    async def _read_from(self, feed: FeedClient) -> None:
        while True:
            told = await feed.next()
            assert told.event != "snapshot", "it was no gap that a snapshot must stand for"
            if told.event == "call":
                self.seen.append(told.key)
            self._place = feed.last_event_id

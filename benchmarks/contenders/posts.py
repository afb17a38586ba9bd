"""One packet per POST, 128 connections: Trunkline, the ceiling and the usual design under the same load."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import attrs

from benchmarks import servers
from benchmarks.bench import WARM_UP_SECONDS, Bench
from benchmarks.contenders.contender import Prefix
from benchmarks.contenders.large_database import database_for
from benchmarks.load.calls import begin_calls
from benchmarks.load.http_connection import LoadFailed
from benchmarks.load.wrk import post_packets, require_wrk, wrk_call_ids
from benchmarks.measurement import Measurement, NotMeasured, Why
from benchmarks.postgres import connected
from benchmarks.processor_time import ProcessorTime

USUAL_SCHEMA: Final = Path(__file__).with_name("usual_schema.sql")

Start = Callable[[Bench, str], AbstractAsyncContextManager[servers.Server]]
CountStored = Callable[[str, Prefix], Awaitable[int | None]]
"""Gets the database's URL."""


async def _nothing(database_url: str, prefix: Prefix) -> None:
    return None


async def _in_trunkline(database_url: str, prefix: Prefix) -> int:
    return await prefix.stored_packets(database_url)


async def in_usual_schema(database_url: str, prefix: Prefix) -> int:
    async with connected(database_url) as connection:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM packets WHERE call_id LIKE $1 || '%'", prefix.text
        )
        return count


async def make_usual_schema(database_url: str) -> None:
    async with connected(database_url) as connection:
        await connection.execute(USUAL_SCHEMA.read_text("utf-8"))


@attrs.frozen
class Posts:
    """``prepare`` makes the schema that the server does not make itself."""

    name: str
    title: str
    _start: Start
    _count_stored: CountStored
    _prepare: Callable[[str], Awaitable[None]] | None = None
    _in_large: bool = False
    _needs: tuple[str, ...] = ()
    in_rounds: bool = True

    async def run(self, bench: Bench, round_number: int) -> Measurement:
        require_wrk()
        self._require_packages()
        prefix = Prefix.of(self.name, round_number)
        warming_up = Prefix.of(f"{self.name}-warm", round_number)
        async with database_for(bench, self.name, large=self._in_large) as database_url:
            if self._prepare is not None:
                await self._prepare(database_url)
            async with self._start(bench, database_url) as server:
                for calls in (warming_up, prefix):
                    await begin_calls(server.port, wrk_call_ids(calls.text))
                await post_packets(server.url, warming_up.text, WARM_UP_SECONDS)
                used = ProcessorTime({"server": server.process_id, "PostgreSQL": bench.postgres.process_id})
                used.begin()
                result = await post_packets(server.url, prefix.text, bench.seconds)
                cores = used.end()
            if result.broken:
                raise LoadFailed(f"{result.broken} connections broke or answers never came")
            return Measurement(
                seconds=result.seconds,
                per_second=result.accepted / result.seconds,
                acknowledged=result.accepted,
                refused=result.refused,
                stored=await self._count_stored(database_url, prefix),
                latencies=result.latencies,
                cores=cores,
            )

    def _require_packages(self) -> None:
        missing = [package for package in self._needs if find_spec(package) is None]
        if missing:
            raise NotMeasured(Why.SKIPPED, f"{', '.join(missing)}: pip install '.[bench]'")


def nothing_stored() -> Posts:
    return Posts("nothing-stored", "(a) aiohttp, parses and stores nothing", servers.stores_nothing, _nothing)


def usual_design() -> Posts:
    return Posts(
        "usual-design",
        "(b) FastAPI + SQLAlchemy, a locked transaction per packet",
        servers.usual_design,
        in_usual_schema,
        prepare=make_usual_schema,
        needs=("fastapi", "sqlalchemy", "greenlet", "uvicorn", "httptools"),
    )


def trunkline_posts() -> Posts:
    return Posts("post", "Trunkline, a packet per POST", servers.trunkline, _in_trunkline)


def trunkline_posts_large() -> Posts:
    return Posts(
        "post-large",
        "Trunkline, a packet per POST, large database",
        servers.trunkline,
        _in_trunkline,
        in_large=True,
    )

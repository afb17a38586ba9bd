"""Latencies at a steady rate: packets, alone or beside the AI, and what people look at."""

from __future__ import annotations

import random
from typing import Final

import attrs

from benchmarks import servers
from benchmarks.bench import WARM_UP_SECONDS, Bench
from benchmarks.contenders.ai_backlog import AiBacklog
from benchmarks.contenders.contender import Prefix
from benchmarks.contenders.large_database import database_for, stored_call_id
from benchmarks.load.calls import begin_calls
from benchmarks.load.http_connection import LoadFailed, request
from benchmarks.load.packets import as_base64, json_packet, sounds
from benchmarks.load.steady import SteadyLoad, SteadyResult
from benchmarks.measurement import Measurement
from benchmarks.processor_time import ProcessorTime

POSTS_PER_SECOND: Final = 1000
CALLS: Final = 20
"""Fifty packets a second for each, as live calls have."""

READS_PER_SECOND: Final = 50


@attrs.frozen
class SteadyPosts:
    name: str = "steady"
    title: str = "Trunkline at 1,000 POST/s"
    in_rounds: bool = True

    async def run(self, bench: Bench, round_number: int) -> Measurement:
        async with (
            bench.postgres.fresh_database(self.name) as database_url,
            servers.trunkline(bench, database_url) as server,
        ):
            return await _post_steadily(bench, server, Prefix.of(self.name, round_number), {})


@attrs.frozen
class SteadyPostsBesideAi:
    """The notes have the fewest calls that were in processing while it was measured."""

    name: str = "steady-ai"
    title: str = "Trunkline at 1,000 POST/s, 16 calls in AI processing"
    in_rounds: bool = True

    async def run(self, bench: Bench, round_number: int) -> Measurement:
        async with (
            bench.postgres.fresh_database(self.name) as database_url,
            servers.simulated_ai(bench) as ai_url,
            servers.trunkline(bench, database_url, {"TRUNKLINE_AI_BASE_URL": ai_url}) as server,
        ):
            backlog = AiBacklog(server, Prefix.of(f"{self.name}-backlog", round_number))
            await backlog.fill(WARM_UP_SECONDS + bench.seconds)
            prefix = Prefix.of(self.name, round_number)
            async with backlog.watched() as seen:
                return await _post_steadily(bench, server, prefix, seen)


async def _post_steadily(
    bench: Bench, server: servers.Server, prefix: Prefix, notes: dict[str, float]
) -> Measurement:
    """``notes`` are read when the load is over."""
    call_ids = prefix.call_ids(CALLS)
    await begin_calls(server.port, call_ids)
    encoded = as_base64(sounds())

    def packet(number: int) -> bytes:
        sequence = 1 + number // CALLS
        body = json_packet(sequence, encoded[number % len(encoded)])
        return request("POST", f"/v1/call/stream/{call_ids[number % CALLS]}", body)

    load = SteadyLoad(packet, POSTS_PER_SECOND, frozenset({202}))
    result, cores = await run_load(bench, server, load)
    return measurement(result, cores, await prefix.stored_packets(server.database_url), notes)


@attrs.frozen
class Reads:
    """``_path`` gets a random number."""

    name: str
    title: str
    _asks_for_one_call: bool
    in_rounds: bool = True

    async def run(self, bench: Bench, round_number: int) -> Measurement:
        chance = random.Random(round_number)  # noqa: S311 # no secret

        def read(number: int) -> bytes:
            one = stored_call_id(chance.randrange(bench.options.large_calls))
            return request("GET", f"/v1/calls/{one}" if self._asks_for_one_call else "/v1/calls")

        async with (
            database_for(bench, self.name, large=True) as database_url,
            servers.trunkline(bench, database_url) as server,
        ):
            load = SteadyLoad(read, READS_PER_SECOND, frozenset({200}))
            result, cores = await run_load(bench, server, load)
            return measurement(result, cores, None, {})


def read_call() -> Reads:
    return Reads("read-call-large", "GET one call, 50/s, large database", asks_for_one_call=True)


def read_list() -> Reads:
    return Reads("read-list-large", "GET the list of calls, 50/s, large database", asks_for_one_call=False)


async def run_load(
    bench: Bench, server: servers.Server, load: SteadyLoad
) -> tuple[SteadyResult, dict[str, float]]:
    used = ProcessorTime({"server": server.process_id, "PostgreSQL": bench.postgres.process_id})
    used.begin()
    result = await load.run(server.port, WARM_UP_SECONDS, bench.seconds)
    all_answered(result)
    return result, used.end()


def all_answered(result: SteadyResult) -> None:
    """Raises LoadFailed."""
    if result.unanswered:
        raise LoadFailed(f"{result.unanswered} requests were never answered")


def measurement(
    result: SteadyResult, cores: dict[str, float], stored: int | None, notes: dict[str, float]
) -> Measurement:
    return Measurement(
        seconds=result.seconds,
        per_second=result.latencies.count / result.seconds,
        acknowledged=result.accepted,
        refused=result.refused,
        stored=stored,
        latencies=result.latencies,
        cores=cores,
        notes={"generator late p99 ms": result.late_p99_ms, **notes},
    )

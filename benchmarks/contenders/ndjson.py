"""Many packets per POST: NDJSON bodies of 1,000 packets, built ahead, over a few connections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from benchmarks import servers
from benchmarks.bench import WARM_UP_SECONDS, Bench
from benchmarks.contenders.contender import Prefix
from benchmarks.load.calls import begin_calls
from benchmarks.load.closed_loop import ClosedLoop, NextRequest, accepted_of
from benchmarks.load.http_connection import LoadFailed, request
from benchmarks.load.packets import as_base64, ndjson_body, sounds
from benchmarks.measurement import Measurement
from benchmarks.processor_time import ProcessorTime

CONNECTIONS: Final = 4
LINES: Final = 1000
BODIES_PER_CALL: Final = 20
"""Then a connection goes on with another call: bodies name no call, so that all calls share them."""

MOST_PACKETS_PER_SECOND: Final = 200_000
"""Calls are begun ahead for so many."""


@attrs.frozen
class Ndjson:
    name: str = "ndjson"
    title: str = "Trunkline, NDJSON, 1,000 packets a body"
    in_rounds: bool = True

    async def run(self, bench: Bench, round_number: int) -> Measurement:
        prefix = Prefix.of(self.name, round_number)
        async with bench.postgres.fresh_database(self.name) as database_url:
            async with servers.trunkline(bench, database_url) as server:
                packets = MOST_PACKETS_PER_SECOND * (WARM_UP_SECONDS + bench.seconds)
                calls = round(packets / (LINES * BODIES_PER_CALL)) + CONNECTIONS
                call_ids = prefix.call_ids(calls)
                await begin_calls(server.port, call_ids)
                next_request = _bodies_in_turn(call_ids)
                used = ProcessorTime({"server": server.process_id, "PostgreSQL": bench.postgres.process_id})
                used.begin()
                loop = ClosedLoop(202, accepted_of, "NDJSON")
                result = await loop.run(server.port, next_request, WARM_UP_SECONDS, bench.seconds)
                cores = used.end()
            return Measurement(
                seconds=result.seconds,
                per_second=result.in_time / result.seconds,
                acknowledged=result.acknowledged,
                refused=result.refused,
                stored=await prefix.stored_packets(database_url),
                latencies=result.latencies,
                cores=cores,
            )


def _bodies_in_turn(call_ids: Sequence[str]) -> list[NextRequest]:
    """What each connection sends: all bodies of a call, then those of the next call that is free."""
    encoded = as_base64(sounds())
    bodies = [ndjson_body(1 + number * LINES, LINES, encoded) for number in range(BODIES_PER_CALL)]
    free = iter(call_ids)

    def connection() -> Iterator[bytes]:
        for call_id in free:
            for body in bodies:
                yield request("POST", f"/v1/call/stream/{call_id}", body, "application/x-ndjson")
        raise LoadFailed("the calls that were begun ahead are used up")

    return [connection().__next__ for _ in range(CONNECTIONS)]

"""A thousand live calls in real time, each on a WebSocket of its own, for minutes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import attrs

from benchmarks import servers
from benchmarks.bench import Bench
from benchmarks.contenders.contender import Prefix
from benchmarks.load.calls import begin_calls
from benchmarks.load.live import LiveCalls
from benchmarks.load.packets import PACKET_SECONDS, sounds
from benchmarks.load.websocket_frames import PacketFrames
from benchmarks.measurement import Measurement
from benchmarks.processor_time import ProcessorTime, resident_mib

SAMPLE_SECONDS: Final = 1.0


@attrs.frozen
class Live:
    name: str = "live"
    title: str = "Trunkline, live calls over WebSocket, 50 packets/s each"
    in_rounds: bool = False

    async def run(self, bench: Bench, round_number: int) -> Measurement:
        options = bench.options
        frames = PacketFrames.build(round(options.live_seconds / PACKET_SECONDS), 1, sounds())
        prefix = Prefix.of(self.name, round_number)
        call_ids = prefix.call_ids(options.live_calls)
        async with bench.postgres.fresh_database(self.name) as database_url:
            async with servers.trunkline(bench, database_url) as server:
                await begin_calls(server.port, call_ids)
                live = LiveCalls(frames)
                await live.open(server.port, call_ids)
                used = ProcessorTime({"server": server.process_id, "PostgreSQL": bench.postgres.process_id})
                used.begin()
                async with _memory_of(server.process_id) as memory_mib:
                    result = await live.run()
                cores = used.end()
            return Measurement(
                seconds=result.seconds,
                per_second=result.acknowledged / result.seconds,
                acknowledged=result.acknowledged,
                refused=result.sent - result.acknowledged,
                stored=await prefix.stored_packets(database_url),
                latencies=result.latencies,
                cores=cores,
                memory_mib=tuple(memory_mib),
                notes={
                    "generator late p99 ms": result.late_p99_ms,
                    "from sent p50 ms": result.from_sent.p50_ms,
                    "from sent p99 ms": result.from_sent.p99_ms,
                    "calls": options.live_calls,
                },
            )


@asynccontextmanager
async def _memory_of(process_id: int) -> AsyncIterator[list[float]]:
    """Grows by a sample each second."""
    samples: list[float] = []

    async def sample() -> None:
        while True:
            samples.append(round(resident_mib(process_id), 1))
            await asyncio.sleep(SAMPLE_SECONDS)

    sampling = asyncio.create_task(sample())
    try:
        yield samples
    finally:
        sampling.cancel()
        await asyncio.wait({sampling})

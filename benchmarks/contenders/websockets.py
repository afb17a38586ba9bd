"""As many packets as go over WebSockets, durable and acknowledged."""

from __future__ import annotations

from functools import cache
from typing import Final

import attrs

from benchmarks import servers
from benchmarks.bench import WARM_UP_SECONDS, Bench
from benchmarks.contenders.contender import Prefix
from benchmarks.contenders.large_database import database_for
from benchmarks.load.calls import begin_calls
from benchmarks.load.packets import sounds
from benchmarks.load.saturation import Saturation
from benchmarks.load.websocket_frames import PacketFrames
from benchmarks.measurement import Measurement
from benchmarks.processor_time import ProcessorTime

CONNECTIONS: Final = 8
MOST_PACKETS_PER_SECOND: Final = 300_000
"""Frames are built ahead for so many."""


@attrs.frozen
class WebSockets:
    name: str
    title: str
    _packets_per_frame: int
    _in_large: bool = False
    in_rounds: bool = True

    async def run(self, bench: Bench, round_number: int) -> Measurement:
        packets = MOST_PACKETS_PER_SECOND * (WARM_UP_SECONDS + bench.seconds) / CONNECTIONS
        frames = _frames(round(packets / self._packets_per_frame), self._packets_per_frame)
        prefix = Prefix.of(self.name, round_number)
        async with database_for(bench, self.name, large=self._in_large) as database_url:
            async with servers.trunkline(bench, database_url) as server:
                call_ids = prefix.call_ids(CONNECTIONS)
                await begin_calls(server.port, call_ids)
                used = ProcessorTime({"server": server.process_id, "PostgreSQL": bench.postgres.process_id})
                used.begin()
                result = await Saturation(frames).run(server.port, call_ids, WARM_UP_SECONDS, bench.seconds)
                cores = used.end()
            return Measurement(
                seconds=result.seconds,
                per_second=result.in_time / result.seconds,
                acknowledged=result.acknowledged,
                refused=result.sent - result.acknowledged,
                stored=await prefix.stored_packets(database_url),
                cores=cores,
            )


@cache
def _frames(count: int, packets_per_frame: int) -> PacketFrames:
    return PacketFrames.build(count, packets_per_frame, sounds())


def websocket() -> WebSockets:
    return WebSockets("websocket", "Trunkline, WebSocket, a packet a frame", packets_per_frame=1)


def websocket_of_many() -> WebSockets:
    return WebSockets("websocket-50", "Trunkline, WebSocket, 50 packets a frame", packets_per_frame=50)


def websocket_large() -> WebSockets:
    return WebSockets(
        "websocket-large", "Trunkline, WebSocket, a packet a frame, large database", 1, in_large=True
    )

"""Completed calls in such number that sixteen at a time stay in AI processing while something is measured."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Final

import attrs

from benchmarks.contenders.contender import Prefix
from benchmarks.load.calls import begin_calls, post
from benchmarks.load.http_connection import HttpConnection, LoadFailed
from benchmarks.load.packets import as_base64, json_packet, sounds
from benchmarks.postgres import connected
from benchmarks.servers import Server

AT_A_TIME: Final = 16
PACKETS_PER_CALL: Final = 100

_FASTEST_CALL_SECONDS: Final = 2.0
"""The simulated AI takes a second at least for each of its two answers."""

_SETTLE_SECONDS: Final = 30
_WATCH_SECONDS: Final = 0.5
_IN_PROCESSING: Final = "SELECT count(*) FROM calls WHERE state = 'PROCESSING_AI'"


@attrs.frozen
class AiBacklog:
    _server: Server
    _prefix: Prefix

    async def fill(self, seconds: float) -> None:
        """Complete calls for so long; returns when the first sixteen are in processing. Raises LoadFailed."""
        waiting_for_the_first = 10
        count = AT_A_TIME + round(AT_A_TIME * (seconds + waiting_for_the_first) / _FASTEST_CALL_SECONDS)
        call_ids = self._prefix.call_ids(count)
        await begin_calls(self._server.port, call_ids)
        left = iter(call_ids)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_A_TIME):
                tasks.create_task(self._place(left))
        await self._until_busy()

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[dict[str, float]]:
        """Holds, as it goes on, the fewest calls that were seen in processing."""
        seen: dict[str, float] = {}

        async def watch() -> None:
            async with connected(self._server.database_url) as connection:
                while True:
                    now = await connection.fetchval(_IN_PROCESSING)
                    seen["fewest in processing"] = min(now, seen.get("fewest in processing", now))
                    await asyncio.sleep(_WATCH_SECONDS)

        watching = asyncio.create_task(watch())
        try:
            yield seen
        finally:
            watching.cancel()
            await asyncio.wait({watching})

    async def _place(self, call_ids: Iterator[str]) -> None:
        connection = await HttpConnection.open(self._server.port)
        encoded = as_base64(sounds())
        for call_id in call_ids:
            for sequence in range(1, PACKETS_PER_CALL + 1):
                packet = json_packet(sequence, encoded[sequence % len(encoded)])
                await post(connection, f"/v1/call/stream/{call_id}", packet)
            final = b'{"final_sequence":{"main":%d}}' % PACKETS_PER_CALL
            await post(connection, f"/v1/call/complete/{call_id}", final)
        connection.close()

    async def _until_busy(self) -> None:
        try:
            async with asyncio.timeout(_SETTLE_SECONDS), connected(self._server.database_url) as connection:
                while await connection.fetchval(_IN_PROCESSING) < AT_A_TIME:  # noqa: ASYNC110 # a row tells
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise LoadFailed(f"{AT_A_TIME} calls were never in processing at a time") from None

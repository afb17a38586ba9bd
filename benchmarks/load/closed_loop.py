"""A closed-loop generator: each connection asks the next thing as soon as it has its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

import attrs
import orjson

from benchmarks.latencies import Histogram, Latencies
from benchmarks.load.calls import require_served
from benchmarks.load.http_connection import HttpConnection

NextRequest = Callable[[], bytes]
Worth = Callable[[bytes], int]
"""How much a good answer's body acknowledges."""


@attrs.frozen
class ClosedLoopResult:
    """``in_time`` was acknowledged within the measured seconds, ``acknowledged`` in all."""

    seconds: float
    in_time: int
    acknowledged: int
    refused: int
    latencies: Latencies


class ClosedLoop:
    def __init__(self, good_status: int, worth: Worth, what: str) -> None:
        self._good_status = good_status
        self._worth = worth
        self._what = what
        self._from = 0.0
        self._until = 0.0
        self._in_time = 0
        self._acknowledged = 0
        self._refused = 0
        self._histogram = Histogram()

    async def run(
        self, port: int, requests: list[NextRequest], warm_up_seconds: float, seconds: float
    ) -> ClosedLoopResult:
        """One connection for each of ``requests``. Raises NotMeasured, LoadFailed."""
        self._from = monotonic() + warm_up_seconds
        self._until = self._from + seconds
        async with asyncio.TaskGroup() as tasks:
            for next_request in requests:
                tasks.create_task(self._ask_again_and_again(port, next_request))
        return ClosedLoopResult(
            seconds, self._in_time, self._acknowledged, self._refused, self._histogram.latencies()
        )

    async def _ask_again_and_again(self, port: int, next_request: NextRequest) -> None:
        connection = await HttpConnection.open(port)
        while (began := monotonic()) < self._until:
            status, body = await connection.answer(next_request())
            self._count(began, monotonic(), status, body)
        connection.close()

    def _count(self, began: float, ended: float, status: int, body: bytes) -> None:
        require_served(status, self._what)
        if status != self._good_status:
            self._refused += 1
            return
        worth = self._worth(body)
        self._acknowledged += worth
        if self._from <= ended < self._until:
            self._in_time += worth
            self._histogram.add(ended - began)


def accepted_of(body: bytes) -> int:
    """Of the receipt for a body of many packets."""
    accepted: int = orjson.loads(body)["accepted"]
    return accepted

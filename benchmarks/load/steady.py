"""An open-loop generator: requests are due at a steady rate, whether or not the server keeps up."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Final

import attrs

from benchmarks.latencies import Histogram, Latencies
from benchmarks.load.http_connection import HttpConnection

CONNECTIONS: Final = 64
SHORTEST_SLEEP_SECONDS: Final = 0.001
"""The event loop's timers know whole milliseconds, and spin below one."""

_ANSWERS_MAY_TAKE_SECONDS: Final = 30


@attrs.frozen
class SteadyResult:
    """``latencies`` are from when each request was due to its answer; ``late_p99_ms`` tells how late the
    generator itself came, which is in them."""

    seconds: float
    accepted: int
    refused: int
    unanswered: int
    latencies: Latencies
    late_p99_ms: float


@attrs.frozen
class _Due:
    number: int
    at: float
    counted_in: Histogram | None


class SteadyLoad:
    """Sends request ``n`` at ``n / per_second``; one that finds no idle connection waits for one.

    Its waiting counts: a stall of the server is seen by every request that was due meanwhile.
    """

    def __init__(self, make_request: Callable[[int], bytes], per_second: float, good: frozenset[int]) -> None:
        self._make_request = make_request
        self._per_second = per_second
        self._good = good
        self._idle: deque[HttpConnection] = deque()
        self._waiting: deque[_Due] = deque()
        self._began = 0.0
        self._not_counted = 0
        self._total = 0
        self._offered = 0
        self._counted_in: Histogram | None = None
        self._lateness = Histogram()
        self._accepted = 0
        self._refused = 0
        self._answered = 0

    async def run(self, port: int, warm_up_seconds: float, seconds: float) -> SteadyResult:
        """The requests of the warming up are sent and answered as well, but not in ``latencies``."""
        connections = [await HttpConnection.open(port) for _ in range(CONNECTIONS)]
        self._idle.extend(connections)
        self._not_counted = round(warm_up_seconds * self._per_second)
        self._total = self._not_counted + round(seconds * self._per_second)
        histogram = Histogram()
        await self._send(histogram)
        await self._wait_for_answers(connections)
        for connection in connections:
            connection.close()
        return SteadyResult(
            seconds=seconds,
            accepted=self._accepted,
            refused=self._refused,
            unanswered=self._offered - self._answered,
            latencies=histogram.latencies(),
            late_p99_ms=self._lateness.percentile_ms(0.99),
        )

    def count_in(self, histogram: Histogram | None) -> None:
        """Latencies of what is due from now on go there, or nowhere."""
        self._counted_in = histogram

    def stop(self) -> None:
        """Nothing more is due."""
        self._total = self._offered

    async def _send(self, histogram: Histogram) -> None:
        self._began = monotonic()
        while self._offered < self._total:
            while self._offered < self._total and self._due(self._offered) <= monotonic():
                if self._offered == self._not_counted:
                    self.count_in(histogram)
                self._offer(_Due(self._offered, self._due(self._offered), self._counted_in))
                self._offered += 1
            await asyncio.sleep(max(self._due(self._offered) - monotonic(), SHORTEST_SLEEP_SECONDS))

    async def _wait_for_answers(self, connections: Sequence[HttpConnection]) -> None:
        deadline = monotonic() + _ANSWERS_MAY_TAKE_SECONDS
        while self._answered < self._offered and monotonic() < deadline:
            if all(connection.ended.done() for connection in connections):
                return
            await asyncio.sleep(0.01)

    def _due(self, number: int) -> float:
        return self._began + number / self._per_second

    def _offer(self, due: _Due) -> None:
        if due.counted_in is not None:
            self._lateness.add(monotonic() - due.at)
        if self._idle:
            self._ask(self._idle.popleft(), due)
        else:
            self._waiting.append(due)

    def _ask(self, connection: HttpConnection, due: _Due) -> None:
        def answered(status: int, body: bytes) -> None:
            if due.counted_in is not None:
                due.counted_in.add(monotonic() - due.at)
            self._answered += 1
            if status in self._good:
                self._accepted += 1
            else:
                self._refused += 1
            if self._waiting:
                self._ask(connection, self._waiting.popleft())
            else:
                self._idle.append(connection)

        connection.ask(self._make_request(due.number), answered)

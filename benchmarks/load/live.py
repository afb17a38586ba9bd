"""Live calls: one WebSocket each, a packet every 20 ms in real time, the calls spread over those 20 ms."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Sequence
from time import monotonic
from typing import Final

import attrs

from benchmarks.latencies import Histogram, Latencies
from benchmarks.load.acks import Ranges
from benchmarks.load.packets import PACKET_SECONDS
from benchmarks.load.steady import SHORTEST_SLEEP_SECONDS
from benchmarks.load.websocket_connection import WebSocketConnection, all_open_for
from benchmarks.load.websocket_frames import PacketFrames

_OPENED_AT_A_TIME: Final = 50
_SENT_AT_A_TIME: Final = 50
"""By a generator that is late; then it reads what has come."""
_NOTED_EVERY: Final = 10
"""Of how many packets one is timed from when it was sent, too: to time all twice would make it later."""
_LAST_ACKS_MAY_TAKE_SECONDS: Final = 30


@attrs.frozen
class LiveResult:
    """``seconds`` are from the first packet to the last acknowledgement.

    ``latencies`` are from when each packet was due to its acknowledgement; ``late_p99_ms`` tells how late
    the generator itself came, which is in them, and not in those ``from_sent``, of every tenth packet.
    """

    seconds: float
    sent: int
    acknowledged: int
    latencies: Latencies
    late_p99_ms: float
    from_sent: Latencies


class LiveCalls:
    """Packet ``n`` of call ``c`` is due at ``(n - 1 + c / calls) * 20 ms``, whatever the server does."""

    def __init__(self, frames: PacketFrames) -> None:
        """``frames`` of one packet each, as many as each call has packets."""
        self._frames = frames
        self._began = 0.0
        self._open = 0
        self._connections: list[WebSocketConnection] = []
        self._phase_seconds: dict[WebSocketConnection, float] = {}
        self._late_seconds: dict[WebSocketConnection, array[float]] = {}
        """Of every tenth packet."""
        self._histogram = Histogram()
        self._from_sent = Histogram()
        self._lateness = Histogram()
        self._all_acknowledged = asyncio.Event()

    async def open(self, port: int, call_ids: Sequence[str]) -> None:
        """Raises NotMeasured, LoadFailed."""
        for first in range(0, len(call_ids), _OPENED_AT_A_TIME):
            some = call_ids[first : first + _OPENED_AT_A_TIME]
            self._connections += await asyncio.gather(
                *(WebSocketConnection.open(port, call_id, self._hear) for call_id in some)
            )
        for number, connection in enumerate(self._connections):
            self._phase_seconds[connection] = PACKET_SECONDS * number / len(self._connections)
            self._late_seconds[connection] = array("f")

    async def run(self) -> LiveResult:
        """Raises LoadFailed where a connection ends."""
        self._open = len(self._frames) * len(self._connections)
        self._began = monotonic()
        sending = asyncio.create_task(self._send())
        await all_open_for(self._connections, None, until=sending)
        await sending
        rest = asyncio.create_task(self._all_acknowledged.wait())
        await all_open_for(self._connections, _LAST_ACKS_MAY_TAKE_SECONDS, until=rest)
        rest.cancel()
        seconds = monotonic() - self._began
        for connection in self._connections:
            connection.close()
        return LiveResult(
            seconds=seconds,
            sent=len(self._frames) * len(self._connections),
            acknowledged=sum(connection.acks.count for connection in self._connections),
            latencies=self._histogram.latencies(),
            late_p99_ms=self._lateness.percentile_ms(0.99),
            from_sent=self._from_sent.latencies(),
        )

    async def _send(self) -> None:
        now, sent = monotonic(), 0
        for number in range(len(self._frames)):
            frame = self._frames.run(number, number + 1)
            due_first = self._began + number * PACKET_SECONDS
            is_noted = (number + 1) % _NOTED_EVERY == 0
            for connection in self._connections:
                due = due_first + self._phase_seconds[connection]
                if due > now or sent == _SENT_AT_A_TIME:  # else it is due, and the clock need not be read
                    now, sent = await self._until(due), 0
                if is_noted:
                    self._late_seconds[connection].append(max(0.0, now - due))
                connection.send(frame)
                sent += 1

    async def _until(self, due: float) -> float:
        """Wait for it, or let others go on for a moment; what the clock says then."""
        early = due - monotonic()
        await asyncio.sleep(max(early, SHORTEST_SLEEP_SECONDS) if early > 0 else 0)
        now = monotonic()
        self._lateness.add(now - due)
        return now

    def _hear(self, connection: WebSocketConnection, acked: Ranges) -> None:
        now = monotonic()
        begun = self._began + self._phase_seconds[connection]
        for first, last in acked:
            for sequence in range(first, last + 1):
                since_due = now - begun - (sequence - 1) * PACKET_SECONDS
                self._histogram.add(since_due)
                if sequence % _NOTED_EVERY == 0:
                    late = self._late_seconds[connection][sequence // _NOTED_EVERY - 1]
                    self._from_sent.add(since_due - late)
            self._open -= last - first + 1
        if self._open == 0:
            self._all_acknowledged.set()

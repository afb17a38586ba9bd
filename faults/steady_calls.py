"""Calls whose packets come at a steady rate, whether or not they are answered, and go out once each."""

from __future__ import annotations

import asyncio
import base64
import itertools
import math
import random
import time
from collections.abc import Iterable, Sequence
from typing import Final

import attrs
import orjson

from benchmarks.load.http_connection import HttpConnection, LoadFailed, request
from faults.call_plan import Body
from faults.history import Action, HistoryWriter
from faults.sender import ANSWER_SECONDS, Answer
from faults.wire_request import wire_request

CALLS: Final = 20
"""Under way at the same time."""
PACKETS_PER_CALL: Final = 250
PACKETS_PER_SECOND: Final = 500.0
_CHUNK: Final = 25
"""Packets of a call that are announced together: a second of it. The first is due so long after the init."""
_AUDIO: Final = {"encoding": "audio/x-mulaw", "sample_rate_hz": 8000, "channels": 1}
_AUDIO_BYTES: Final = 160


@attrs.frozen
class Write:
    """What came of a packet, an init or a completion; ``due_at_seconds`` by the monotonic clock.

    ``seconds`` are from when it was due: the ``late_seconds`` after which the load sent it are in them.
    """

    due_at_seconds: float
    late_seconds: float
    seconds: float
    status: int | None

    @property
    def was_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@attrs.frozen
class Latencies:
    count: int
    p99_ms: float
    max_ms: float


def latencies_of(seconds: Iterable[float]) -> Latencies:
    """The nearest rank; all 0 of nothing."""
    in_order = sorted(each * 1000 for each in seconds)
    if not in_order:
        return Latencies(0, 0.0, 0.0)
    return Latencies(len(in_order), in_order[math.ceil(0.99 * len(in_order)) - 1], in_order[-1])


@attrs.define(eq=False)
class SteadyCalls:
    """At any time twenty calls are under way, with a packet each every 40 ms at 500 packets a second.

    What is due does not wait for answers, but for the init's of its call, and a completion for its packets'.
    Packets are announced to the history a second before they are due, many with one sync: to sync each on
    its own would slow the disk for what is measured. Nothing is sent again.
    """

    port: int
    history: HistoryWriter
    seed: int
    packets_per_second: float = PACKETS_PER_SECOND
    writes: list[Write] = attrs.field(factory=list, init=False)
    _idle: list[HttpConnection] = attrs.field(factory=list, init=False)
    _is_over: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    def stop(self) -> None:
        """No call begins any more; those under way are completed with what was announced."""
        self._is_over.set()

    async def run(self) -> None:
        """Until it is stopped and the last call is completed."""
        dice = random.Random(self.seed)
        began = time.monotonic()
        async with asyncio.TaskGroup() as calls:
            for number in itertools.count():
                due = began + max(0, number - CALLS + 1) * PACKETS_PER_CALL / self.packets_per_second
                if await self._is_stopped_before(due):
                    break
                packets = _packets(dice, _length(number))
                first_due = due + _CHUNK * self._packet_seconds + (number % CALLS) / self.packets_per_second
                calls.create_task(self._place(f"steady-{self.seed}-{number}", packets, first_due))
        for connection in self._idle:
            connection.close()

    @property
    def _packet_seconds(self) -> float:
        """Between two of one call."""
        return CALLS / self.packets_per_second

    async def _is_stopped_before(self, at_seconds: float) -> bool:
        try:
            async with asyncio.timeout(at_seconds - time.monotonic()):
                return await self._is_over.wait()
        except TimeoutError:
            return False

    async def _place(self, call_id: str, packets: Sequence[Body], first_due: float) -> None:
        if not await self._at_once("init", call_id, {"call_id": call_id, "media": _AUDIO}):
            return
        sent = await self._send_packets(call_id, packets, first_due)
        await self._at_once("complete", call_id, {"final_sequence": {"main": sent}})

    async def _at_once(self, action: Action, call_id: str, body: Body) -> bool:
        attempt = await self.history.attempt(action, call_id, body)
        return await self._send(attempt, action, call_id, body, time.monotonic())

    async def _send_packets(self, call_id: str, packets: Sequence[Body], first_due: float) -> int:
        """How many, up to when it was stopped; all are answered on return."""
        sent = 0
        chunks = iter([packets[at : at + _CHUNK] for at in range(0, len(packets), _CHUNK)])
        async with asyncio.TaskGroup() as sending:
            announced = await self._announced(call_id, next(chunks))
            while announced:
                following = () if self._is_over.is_set() else next(chunks, ())
                announcing = sending.create_task(self._announced(call_id, following))
                for packet, attempt in announced:
                    due = first_due + sent * self._packet_seconds
                    await asyncio.sleep(max(0.0, due - time.monotonic()))
                    sending.create_task(self._send(attempt, "packet", call_id, packet, due))
                    sent += 1
                announced = await announcing
        return sent

    async def _announced(self, call_id: str, packets: Sequence[Body]) -> list[tuple[Body, int]]:
        attempts = (self.history.attempt("packet", call_id, packet) for packet in packets)
        return list(zip(packets, await asyncio.gather(*attempts), strict=True))

    async def _send(self, attempt: int, action: Action, call_id: str, body: Body, due: float) -> bool:
        """Whether it was taken."""
        wire = wire_request(action, call_id, body)
        asked = request(wire.method, wire.path, wire.payload, wire.content_type)
        late_seconds = time.monotonic() - due
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await self._ask(asked)
        except (LoadFailed, OSError, TimeoutError, ValueError) as error:
            write = Write(due, late_seconds, time.monotonic() - due, None)
            self.history.outcome(attempt, None, {}, type(error).__name__)
        else:
            write = Write(due, late_seconds, time.monotonic() - due, answer.status)
            self.history.outcome(attempt, answer.status, answer.body, None)
        self.writes.append(write)
        return write.was_taken

    async def _ask(self, asked: bytes) -> Answer:
        """Over an idle connection, or a new one: nothing waits for another's answer."""
        while self._idle and self._idle[-1].ended.done():
            self._idle.pop()
        connection = self._idle.pop() if self._idle else await HttpConnection.open(self.port)
        try:
            status, body = await connection.answer(asked)
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return Answer(status, orjson.loads(body))


def _length(number: int) -> int:
    """The first calls are shorter and shorter, so that as many end as begin."""
    return min(PACKETS_PER_CALL, (number + 1) * PACKETS_PER_CALL // CALLS)


def _packets(dice: random.Random, count: int) -> list[Body]:
    return [
        {
            "stream": "main",
            "sequence": sequence,
            "timestamp": float(sequence),
            "data": base64.b64encode(dice.randbytes(_AUDIO_BYTES)).decode(),
        }
        for sequence in range(1, count + 1)
    ]

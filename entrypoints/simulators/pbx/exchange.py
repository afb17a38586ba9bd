"""Places calls: many at a time, each with several packets on their way at once."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
import time
from collections.abc import Callable, Sequence
from typing import Final

import attrs

from entrypoints.simulators.pbx.call_audio import LINE_RATE_HZ, PACKET_SECONDS
from entrypoints.simulators.pbx.call_plan import FIRST_SEQUENCE, CallPlan, Faults, plan_call
from entrypoints.simulators.pbx.history import Kind, Outcome, Subject
from entrypoints.simulators.pbx.link import ServiceLink
from entrypoints.simulators.pbx.tally import Tally

STREAM: Final = "main"
PACKETS_IN_FLIGHT: Final = 8
MEDIA: Final = {"encoding": "audio/x-mulaw", "sample_rate_hz": LINE_RATE_HZ, "channels": 1}


@attrs.define
class PlacedCall:
    """``uncertain`` are sequences that were sent, are not acknowledged, and may be there all the same."""

    call_id: str
    plan: CallPlan
    metadata: dict[str, str]
    started_at_seconds: float = 0.0
    begun: bool = False
    completed: bool = False
    acknowledged: set[int] = attrs.field(factory=set)
    uncertain: set[int] = attrs.field(factory=set)


def plan_calls(prefix: str, seed: int, calls: int, packet_count: int, faults: Faults) -> list[PlacedCall]:
    """The calls of a run: the same for the same arguments."""
    placed = []
    for number in range(1, calls + 1):
        dice = random.Random(f"{seed}/{number}")
        metadata = {"from": f"+1555{dice.randrange(10**7):07}", "to": str(dice.randint(200, 299))}
        plan = plan_call(packet_count, faults, dice)
        placed.append(PlacedCall(f"{prefix}-{seed}-{number}", plan, metadata))
    return placed


class Exchange:
    """``speed`` 1 sends in real time, 0 as fast as it can; ``advance`` is called for each delivery."""

    def __init__(
        self,
        link: ServiceLink,
        packets: Sequence[bytes],
        speed: float,
        tally: Tally,
        advance: Callable[[int], None],
    ) -> None:
        self._link = link
        self._packets = packets
        self._speed = speed
        self._tally = tally
        self._advance = advance

    async def place(self, call: PlacedCall) -> None:
        call.started_at_seconds = time.time()
        subject = Subject(Kind.INIT, call.call_id)
        init = {"call_id": call.call_id, "media": MEDIA, "metadata": call.metadata}
        delivery = await self._link.deliver(subject, "/v1/call/init", init)
        self._advance(1)
        if delivery.outcome is not Outcome.OK:
            self._advance(len(call.plan.sends) + 1)
            return
        call.begun = True
        await self._talk(call)
        await self._hang_up(call)

    async def _talk(self, call: PlacedCall) -> None:
        window = asyncio.Semaphore(PACKETS_IN_FLIGHT)
        started = time.perf_counter()
        async with asyncio.TaskGroup() as packets:
            for send in call.plan.sends:
                if self._speed:
                    due = started + send.slot * PACKET_SECONDS / self._speed
                    await asyncio.sleep(due - time.perf_counter())
                await window.acquire()
                packet = packets.create_task(self._send(call, send.sequence))
                packet.add_done_callback(lambda _: window.release())

    async def _send(self, call: PlacedCall, sequence: int) -> None:
        place = sequence - FIRST_SEQUENCE
        data = self._packets[place]
        subject = Subject(Kind.PACKET, call.call_id, STREAM, sequence, hashlib.sha256(data).hexdigest())
        packet = {
            "sequence": sequence,
            "data": base64.b64encode(data).decode(),
            "timestamp": call.started_at_seconds + place * PACKET_SECONDS,
            "stream": STREAM,
        }
        self._tally.packets_sent += 1
        delivery = await self._link.deliver(subject, f"/v1/call/stream/{call.call_id}", packet)
        self._advance(1)
        if delivery.outcome is Outcome.OK:
            call.acknowledged.add(sequence)
            self._tally.packets_acknowledged += 1
            self._tally.reported_duplicates += delivery.answer.get("status") == "duplicate"
        elif delivery.outcome is Outcome.UNKNOWN:
            call.uncertain.add(sequence)

    async def _hang_up(self, call: PlacedCall) -> None:
        subject = Subject(Kind.COMPLETE, call.call_id)
        ending = {"final_sequence": {STREAM: call.plan.final_sequence}}
        delivery = await self._link.deliver(subject, f"/v1/call/complete/{call.call_id}", ending)
        self._advance(1)
        call.completed = delivery.outcome is Outcome.OK

"""A PBX's load: calls begin at a steady rate, and each goes its planned way until it has been told all."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Sequence
from typing import Final

import attrs

from faults.call_plan import Body, PlannedCall, PlannedPackets, plan_call
from faults.sender import Answer, Sender

CALLS_PER_SECOND: Final = 6.0

Plan = Callable[[random.Random, str], PlannedCall]


@attrs.frozen
class Load:
    """``sender`` tells the history."""

    sender: Sender
    seed: int
    calls_per_second: float = CALLS_PER_SECOND
    plan: Plan = plan_call
    _is_over: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    def stop(self) -> None:
        """No call begins any more."""
        self._is_over.set()

    async def run(self) -> None:
        """Until every call that began is over. Raises nothing that a fault causes."""
        if not self.calls_per_second:
            return
        dice = random.Random(self.seed)
        began = time.monotonic()
        async with asyncio.TaskGroup() as calls:
            for number in itertools.count():
                due = began + number / self.calls_per_second
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                if self._is_over.is_set():
                    return
                call = self.plan(dice, f"call-{self.seed}-{number}")
                calls.create_task(self._place(call), name=call.call_id)

    async def _place(self, call: PlannedCall) -> None:
        if call.init is not None:
            await self.sender.until_told("init", call.call_id, call.init)
        async with asyncio.TaskGroup() as packets:
            for planned in call.packets:
                packets.create_task(self._send(call.call_id, planned))
        if call.complete is None:
            return
        await self.sender.until_told("complete", call.call_id, call.complete)
        if call.late is not None:
            await self._send(call.call_id, call.late)

    async def _send(self, call_id: str, planned: PlannedPackets) -> None:
        await asyncio.sleep(planned.due_seconds)
        answer = await self._deliver(call_id, planned.bodies)
        if not answer.is_acknowledgement:
            return
        match planned.then:
            case "nothing":
                pass
            case "repeat":
                await self._deliver(call_id, planned.bodies)
            case "conflict":
                await self._deliver(call_id, planned.conflicting)
            case "read":
                await self.sender.once("read", call_id, {})

    async def _deliver(self, call_id: str, bodies: Sequence[Body]) -> Answer:
        if len(bodies) == 1:
            return await self.sender.until_told("packet", call_id, bodies[0])
        return await self.sender.until_told("delivery", call_id, {"packets": list(bodies)})

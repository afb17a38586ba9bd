"""Places disordered calls: each of their packets goes three times at once, by POST, NDJSON and WebSocket."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Sequence
from typing import Final

import aiohttp
import attrs

from faults.call_plan import Body
from faults.disorder_plan import SOCKETED, DisorderedCall, Sending, plan_disorder
from faults.history import Action, HistoryWriter
from faults.sender import Sender
from faults.websocket_sender import WebSocketSender

CALLS_PER_SECOND: Final = 2.0
TIMES: Final = 3
"""Of everything, at once."""
SOCKETS: Final = 2
"""Of a call, for the same stream."""


@attrs.define(eq=False)
class Disorder:
    url: str
    history: HistoryWriter
    seed: int
    _is_over: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    def stop(self) -> None:
        """No call begins any more."""
        self._is_over.set()

    async def run(self) -> None:
        """Until every call that began is over."""
        dice = random.Random(self.seed)
        began = time.monotonic()
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
            asyncio.TaskGroup() as calls,
        ):
            for number in itertools.count():
                await asyncio.sleep(max(0.0, began + number / CALLS_PER_SECOND - time.monotonic()))
                if self._is_over.is_set():
                    return
                call = plan_disorder(dice, f"call-{self.seed}-{number}")
                calls.create_task(self._place(session, call), name=call.call_id)

    async def _place(self, session: aiohttp.ClientSession, call: DisorderedCall) -> None:
        dice = random.Random(f"{self.seed} {call.call_id}")
        placing = _Placing(
            call,
            Sender(self.url, self.history, session, dice),
            [
                WebSocketSender(
                    [self.url], self.history, session, dice, call.call_id, call.is_audio, stream=SOCKETED
                )
                for _ in range(SOCKETS)
            ],
        )
        async with placing.sockets[0].running(), placing.sockets[1].running():
            await placing.run()


@attrs.frozen
class _Placing:
    call: DisorderedCall
    sender: Sender
    sockets: Sequence[WebSocketSender]

    async def run(self) -> None:
        if self.call.init is not None:
            await self._at_once("init", self.call.init)
        await self._send_all(self.call.sendings)
        await self._at_once("complete", self.call.complete)
        await self._send_all(self.call.late)

    async def _at_once(self, action: Action, body: Body) -> None:
        asking = (self.sender.until_told(action, self.call.call_id, body) for _ in range(TIMES))
        await asyncio.gather(*asking)

    async def _send_all(self, sendings: Sequence[Sending]) -> None:
        async with asyncio.TaskGroup() as sending:
            for each in sendings:
                sending.create_task(self._send(each))

    async def _send(self, sending: Sending) -> None:
        await asyncio.sleep(sending.due_seconds)
        match sending.by:
            case "post":
                await self._at_once("packet", sending.bodies[0])
            case "lines":
                await self._at_once("delivery", {"packets": list(sending.bodies)})
            case "socket":
                await self._send_by_sockets(sending.bodies[0], sending.conflicting)

    async def _send_by_sockets(self, body: Body, conflicting: Body | None) -> None:
        """Three times over two; afterwards other bytes under its number, by each of the ways."""
        turns = itertools.islice(itertools.cycle(self.sockets), TIMES)
        answers = await asyncio.gather(*(socket.until_told(body) for socket in turns))
        if conflicting is None or not all(answer.is_acknowledgement for answer in answers):
            return
        await asyncio.gather(
            self.sender.until_told("packet", self.call.call_id, conflicting),
            self.sender.until_told("delivery", self.call.call_id, {"packets": [conflicting]}),
            *(socket.until_told(conflicting, conflicts=True) for socket in self.sockets),
        )

"""Many calls at once, each with a WebSocket that stays open, and a packet now and again."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Sequence
from typing import Final

import aiohttp
import attrs

from faults.call_plan import Body
from faults.sender import Sender
from faults.websocket_sender import WebSocketSender

PACKET_SECONDS: Final = 0.5
"""Between two of a call, about."""
_POLL_SECONDS: Final = 0.02


@attrs.define(eq=False)
class WebSocketCalls:
    """Text calls, whose packets go over sockets to ``urls`` in turn; ``sender`` tells the rest."""

    sender: Sender
    urls: Sequence[str]
    seed: int
    count: int
    sockets: list[WebSocketSender] = attrs.field(factory=list, init=False)
    _is_over: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    def stop(self) -> None:
        self._is_over.set()

    async def run(self) -> None:
        """Until it is stopped, and then until every packet is told and every call completed."""
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
            asyncio.TaskGroup() as calls,
        ):
            for number in range(self.count):
                calls.create_task(self._place(session, number))

    async def until_all_are_at(self, url: str, within_seconds: float) -> bool:
        """Whether all sockets were connected to it, by then."""
        try:
            async with asyncio.timeout(within_seconds):
                while not self._all_are_at(url):  # noqa: ASYNC110 # they tell nobody
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            return False
        return True

    def _all_are_at(self, url: str) -> bool:
        return len(self.sockets) == self.count and all(each.connected_to == url for each in self.sockets)

    async def _place(self, session: aiohttp.ClientSession, number: int) -> None:
        dice = random.Random(f"{self.seed} {number}")
        call_id = f"socket-{self.seed}-{number}"
        socket = WebSocketSender(self.urls, self.sender.history, session, dice, call_id, is_audio=False)
        await self.sender.until_told("init", call_id, {"call_id": call_id, "metadata": {"to": "200"}})
        async with socket.running():
            self.sockets.append(socket)
            async with asyncio.TaskGroup() as packets:
                for sequence in itertools.count(1):
                    packets.create_task(socket.until_told(_packet(dice, sequence)))
                    if await self._is_over_within(dice.uniform(0.5, 1.5) * PACKET_SECONDS):
                        break
        await self.sender.until_told("complete", call_id, {"final_sequence": {"main": sequence}})

    async def _is_over_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._is_over.wait()
        except TimeoutError:
            return False


def _packet(dice: random.Random, sequence: int) -> Body:
    data = f"piece {dice.randrange(2**48):012x} of {sequence}. "
    return {"stream": "main", "sequence": sequence, "timestamp": sequence * PACKET_SECONDS, "data": data}

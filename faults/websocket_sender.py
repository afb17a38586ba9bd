"""Sends a call's packets over one WebSocket, and over the next, until each is told what became of it."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import aiohttp
import attrs
import orjson

from faults.call_plan import Body
from faults.history import HistoryWriter
from faults.sender import ANSWER_SECONDS, Answer
from faults.websocket_wire import durable_by, frame, raw_data, refused_by

HEARTBEAT_SECONDS: Final = 20
CLOSE_SECONDS: Final = 2
MADE_UP: Final = 1006
"""The code of a connection that was lost: nobody sends it."""
LARGEST_FRAME: Final = 50
"""Packets; the server takes 1,000."""
_AGAIN_AFTER_SECONDS: Final = (0.05, 0.3)
_STATUS_OF_CODE: Final = {1011: 500, 1013: 503}
"""What the packets under way are told by a close that names none of them; by any other, nothing."""


@attrs.frozen
class Closed:
    """How a connection to ``url`` ended; the code is the server's, or 1006."""

    url: str
    code: int


@attrs.define(eq=False)
class _Packet:
    """``attempt`` is the number of its last; ``is_out`` while that is on the connection that is open."""

    body: Body
    conflicts: bool
    told: asyncio.Future[Answer]
    attempt: int | None = None
    is_out: bool = False


@attrs.define(eq=False)
class WebSocketSender:
    """Of one call. After any end of the connection it goes on at the next of ``urls``, in turn.

    Binary messages are of ``stream``. Some of its packets go as text, like all of other streams.
    A packet is an attempt of its own in the history, sent as often as it has to be.
    """

    urls: Sequence[str]
    history: HistoryWriter
    session: aiohttp.ClientSession
    """With room for a connection of this one, for as long as it is running."""
    dice: random.Random
    call_id: str
    is_audio: bool
    stream: str = "main"
    closed: list[Closed] = attrs.field(factory=list, init=False)
    connected_to: str | None = attrs.field(default=None, init=False)
    """The one of ``urls`` whose greeting was heard, as long as the connection lasts."""
    _untold: dict[_Packet, None] = attrs.field(factory=dict, init=False)
    _asked: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[WebSocketSender]:
        keeping = asyncio.create_task(self._keep_connected(), name=f"socket of {self.call_id}")
        try:
            yield self
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping

    async def until_told(self, body: Body, *, conflicts: bool = False) -> Answer:
        """What a POST would have been told: 202, or what the connection was closed with less 4000.

        What is asked for together goes together where it can. A packet that ``conflicts`` has a number that
        is stored with other data: no acknowledgement up to a number is its own, so that it waits for its
        refusal.
        """
        packet = _Packet(body, conflicts, asyncio.get_running_loop().create_future())
        self._untold[packet] = None
        self._asked.set()
        return await packet.told

    async def _keep_connected(self) -> None:
        for url in itertools.cycle(self.urls):
            with suppress(aiohttp.ClientError, OSError, TimeoutError):  # nobody is there; or not yet
                await self._use(url)
            await asyncio.sleep(self.dice.uniform(*_AGAIN_AFTER_SECONDS))

    async def _use(self, url: str) -> None:
        """Until the connection ends."""
        async with asyncio.timeout(ANSWER_SECONDS):
            socket = await self.session.ws_connect(
                f"{url}/v1/call/stream/{self.call_id}/ws",
                params={"stream": self.stream},
                heartbeat=HEARTBEAT_SECONDS,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
            )
        try:
            async with socket, asyncio.TaskGroup() as both_ways:
                code, reason = await self._hear_all(socket, url, both_ways)
        finally:
            self.connected_to = None
        self._end(Closed(url, code), reason)

    async def _hear_all(
        self, socket: aiohttp.ClientWebSocketResponse, url: str, both_ways: asyncio.TaskGroup
    ) -> tuple[int, str]:
        """Code and reason of the close. Sends from the greeting on."""
        sending: asyncio.Task[None] | None = None
        while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
            self._hear(orjson.loads(message.data))
            if sending is None:
                self.connected_to = url
                sending = both_ways.create_task(self._send_all(socket))
        if sending is not None:
            sending.cancel()
        if message.type is aiohttp.WSMsgType.CLOSE:
            return int(message.data), message.extra or ""
        return MADE_UP, ""

    # -- sending -----------------------------------------------------------------------------------

    async def _send_all(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        with suppress(aiohttp.ClientConnectionResetError):  # whoever listens hears why
            while True:
                self._asked.clear()
                waiting = [packet for packet in self._untold if not packet.is_out][:LARGEST_FRAME]
                if waiting:
                    await self._send(socket, waiting)
                else:
                    await self._asked.wait()

    async def _send(self, socket: aiohttp.ClientWebSocketResponse, packets: Sequence[_Packet]) -> None:
        numbers = await asyncio.gather(
            *(self.history.attempt("packet", self.call_id, each.body, "websocket") for each in packets)
        )
        for packet, number in zip(packets, numbers, strict=True):
            packet.attempt, packet.is_out = number, True
        for is_binary, alike in itertools.groupby(packets, key=self._goes_raw):
            if is_binary:
                await socket.send_bytes(frame((each.body, self._raw(each)) for each in alike))
            else:
                for each in alike:
                    await socket.send_str(orjson.dumps(each.body).decode())

    def _goes_raw(self, packet: _Packet) -> bool:
        is_possible = packet.body["stream"] == self.stream and self._raw_or_none(packet) is not None
        return is_possible and self.dice.random() < 0.75

    def _raw(self, packet: _Packet) -> bytes:
        return self._raw_or_none(packet) or b""

    def _raw_or_none(self, packet: _Packet) -> bytes | None:
        return raw_data(packet.body, is_audio=self.is_audio)

    # -- hearing -----------------------------------------------------------------------------------

    def _hear(self, said: dict[str, Any]) -> None:
        """Of packets that were never sent from here it is no answer, though it may name them."""
        for durable in durable_by(said):
            body = {"durability": "spooled"} if durable.is_spooled else {"through": durable.ranges[0][1]}
            for packet in tuple(self._untold):
                names_it = durable.has(packet.body["stream"], packet.body["sequence"])
                if names_it and packet.attempt is not None and (durable.is_spooled or not packet.conflicts):
                    self._tell(packet, Answer(202, body))

    def _end(self, closed: Closed, reason: str) -> None:
        """A refusal is told to the packet that it is of; the others that were under way go again."""
        self.closed.append(closed)
        if closed.code >= 4000 and (refused := self._refused(reason)) is not None:
            self._tell(refused, Answer(closed.code - 4000, {"detail": reason}))
        for packet in self._untold:
            if packet.is_out and packet.attempt is not None:
                packet.is_out = False
                status = _STATUS_OF_CODE.get(closed.code)
                self.history.outcome(packet.attempt, status, {"detail": reason}, f"closed with {closed.code}")

    def _refused(self, reason: str) -> _Packet | None:
        """The one that is named; or the first that was not told: all before the bad one are told first."""
        out = [packet for packet in self._untold if packet.is_out]
        if (named := refused_by(reason)) is not None:
            out = [packet for packet in out if named == (packet.body["stream"], packet.body["sequence"])]
        return next(iter([packet for packet in out if packet.conflicts] or out), None)

    def _tell(self, packet: _Packet, answer: Answer) -> None:
        del self._untold[packet]
        assert packet.attempt is not None, "who was not sent is not told"
        self.history.outcome(packet.attempt, answer.status, answer.body, None)
        if not packet.told.done():
            packet.told.set_result(answer)

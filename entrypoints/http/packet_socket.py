"""Packets over a WebSocket, acknowledged after the commit.

A connection's packets go into the group commit one delivery at a time: what arrives while one is under
way makes up the next, so that acknowledgements are coalesced by themselves. What a client sends faster
than it can be stored is not read: each connection holds so much, and all of them together so much.

An error closes the connection with 4000 and the HTTP status that the packet would have got in a POST,
and the detail as the reason; trouble that may pass closes it with 1013, a restart with 1012.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import attrs
import orjson
from aiohttp import ClientConnectionResetError, WSCloseCode, WSMessage, WSMsgType, web

from application.call_queries import CallQueries
from application.group_commit import GroupCommit
from domain.delivery import Delivery, DeliveryReceipt
from domain.errors import UnknownCall
from domain.packet import IncomingPacket
from entrypoints.http import wire
from entrypoints.http.call_ids import id_of_new_or_known_call
from entrypoints.http.call_views import standing_view
from entrypoints.http.packet_frames import MAX_MESSAGE_BYTES, packet_of_text, packets_of_frame
from entrypoints.http.problems import problem_of
from entrypoints.http.queries import read_query

LARGEST_DELIVERY: Final = 1_000
"""Packets; as many may wait in a connection before it is read on: 20 seconds of a leg."""
HELD_BYTES_PER_PACKET: Final = 512
"""What a packet takes in memory beside its data, about."""
PING_SECONDS: Final = 20
CLOSE_SECONDS: Final = 2
_LONGEST_REASON_BYTES: Final = 123  # RFC 6455 section 5.5: a control frame has 125, and two are the code


class PacketSocketHandlers:
    def __init__(
        self,
        deliveries: GroupCommit[Delivery, DeliveryReceipt],
        queries: CallQueries,
        most_bytes_held: int,
        on_acknowledged: Callable[[float], None],
    ) -> None:
        """``most_bytes_held`` bounds what all connections together hold in memory.

        ``on_acknowledged`` is told how many seconds the oldest packet of an acknowledgement waited for it.
        """
        self._deliveries = deliveries
        self._queries = queries
        self._memory = _Memory(most_bytes_held)
        self._on_acknowledged = on_acknowledged
        self._open: set[_Connection] = set()

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        call_id = id_of_new_or_known_call(request)
        stream = read_query(request, wire.SocketQuery).stream
        greeting = await self._greeting(call_id)
        socket = web.WebSocketResponse(
            heartbeat=PING_SECONDS, max_msg_size=MAX_MESSAGE_BYTES, compress=False, timeout=CLOSE_SECONDS
        )
        await socket.prepare(request)
        connection = _Connection(
            socket, call_id, stream, self._deliveries, self._memory, self._on_acknowledged
        )
        self._open.add(connection)
        try:
            await connection.serve(greeting)
        finally:
            self._open.discard(connection)
        return socket

    async def close_all(self, application: web.Application) -> None:
        """For `on_shutdown`: what was read is stored and acknowledged, and the clients go elsewhere."""
        await asyncio.gather(*(connection.send_elsewhere() for connection in self._open))

    async def _greeting(self, call_id: str) -> wire.SocketGreeting:
        try:
            call = (await self._queries.call(call_id)).call
        except UnknownCall:
            return wire.SocketGreeting(call_id, None, ())
        standings = (call.streams[name].standing() for name in sorted(call.streams))
        return wire.SocketGreeting(call_id, call.state, tuple(standing_view(each) for each in standings))


@attrs.define(eq=False)
class _Memory:
    """What all connections together may hold; who finds no room waits for it."""

    most_bytes: int
    _held_bytes: int = 0
    _freed: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def take(self, byte_count: int) -> None:
        while self._held_bytes and self._held_bytes + byte_count > self.most_bytes:
            self._freed.clear()
            await self._freed.wait()
        self._held_bytes += byte_count

    def free(self, byte_count: int) -> None:
        self._held_bytes -= byte_count
        self._freed.set()


@attrs.define(eq=False)
class _Connection:
    _socket: web.WebSocketResponse
    _call_id: str
    _stream: str
    _deliveries: GroupCommit[Delivery, DeliveryReceipt]
    _memory: _Memory
    _on_acknowledged: Callable[[float], None]
    _held: list[IncomingPacket] = attrs.field(factory=list, init=False)
    _held_since: float = attrs.field(default=0.0, init=False)
    _is_reading: bool = attrs.field(default=True, init=False)
    _arrived: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _taken: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _storing: asyncio.Task[None] | None = attrs.field(default=None, init=False)

    async def serve(self, greeting: wire.SocketGreeting) -> None:
        """Until the client closes, breaks a rule or is sent elsewhere. What was read is always stored."""
        self._storing = asyncio.create_task(self._store(), name=f"packets of {self._call_id}")
        try:
            await self._send(greeting)
            await self._read()
        except Exception as error:  # told to the client, as every error of a request is
            await self._finish_storing()
            await self._close_for(error)
        else:
            await self._finish_storing()
            await self._close(WSCloseCode.OK, "")

    async def send_elsewhere(self) -> None:
        """Read no more, store and acknowledge what was read, and have the client connect again."""
        with suppress(TimeoutError):  # of a client that does not read what it is told
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._finish_storing()
        await self._close(WSCloseCode.SERVICE_RESTART, "the service restarts; connect again")

    async def _finish_storing(self) -> None:
        self._is_reading = False
        self._arrived.set()
        self._taken.set()
        if self._storing is not None:
            await asyncio.wait({self._storing})
        self._memory.free(_bytes_held(self._held))
        self._held.clear()

    async def _read(self) -> None:
        """Raises what a message breaks: MalformedBody, InvalidValue."""
        while self._is_reading:
            message = await self._socket.receive()
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            await self._hold(self._packets(message))

    def _packets(self, message: WSMessage) -> list[IncomingPacket]:
        if message.type is WSMsgType.BINARY:
            return packets_of_frame(self._call_id, self._stream, message.data)
        return [packet_of_text(self._call_id, self._stream, message.data)]

    async def _hold(self, packets: list[IncomingPacket]) -> None:
        await self._memory.take(_bytes_held(packets))
        if not self._held:
            self._held_since = time.perf_counter()
        self._held += packets
        self._arrived.set()
        while len(self._held) >= LARGEST_DELIVERY and self._is_reading:
            self._taken.clear()
            await self._taken.wait()

    async def _store(self) -> None:
        while self._is_reading or self._held:
            self._arrived.clear()
            while self._held:
                if not await self._store_some():
                    return
            if self._is_reading:
                await self._arrived.wait()

    async def _store_some(self) -> bool:
        """One delivery. False where it was refused, and the connection is over."""
        packets = self._held[:LARGEST_DELIVERY]
        since = self._held_since
        del self._held[:LARGEST_DELIVERY]
        self._held_since = time.perf_counter()
        self._taken.set()
        try:
            receipt = await self._deliveries.submit_when_there_is_room(
                self._call_id, Delivery(self._call_id, tuple(packets))
            )
        except Exception as error:  # told to the client, as every error of a request is
            self._is_reading = False
            self._memory.free(_bytes_held(packets) + _bytes_held(self._held))
            self._held.clear()
            await self._close_for(error)
            return False
        self._memory.free(_bytes_held(packets))
        self._on_acknowledged(time.perf_counter() - since)
        await self._acknowledge(receipt)
        return True

    async def _acknowledge(self, receipt: DeliveryReceipt) -> None:
        for standing in receipt.streams:
            await self._send(
                wire.SocketAck(wire.Acknowledged(standing.stream, standing.through), standing.missing)
            )

    async def _send(self, message: attrs.AttrsInstance) -> None:
        """To a client that has gone it goes unsaid: when it comes back, it learns where it stands."""
        if self._socket.closed:
            return
        try:
            await self._socket.send_str(orjson.dumps(wire.converter.unstructure(message)).decode())
        except ClientConnectionResetError:
            self._is_reading = False

    async def _close_for(self, error: Exception) -> None:
        problem = problem_of(error)
        codes = {500: WSCloseCode.INTERNAL_ERROR, 503: WSCloseCode.TRY_AGAIN_LATER}
        await self._close(codes.get(problem.status, 4000 + problem.status), problem.detail)

    async def _close(self, code: int, reason: str) -> None:
        if not self._socket.closed:
            await self._socket.close(code=code, message=_cut(reason.encode(), _LONGEST_REASON_BYTES))


def _bytes_held(packets: list[IncomingPacket]) -> int:
    return sum(len(packet.data) for packet in packets) + HELD_BYTES_PER_PACKET * len(packets)


def _cut(text: bytes, most_bytes: int) -> bytes:
    return text[:most_bytes].decode(errors="ignore").encode()

"""One WebSocket, and the packets that come over it.

Three things go on side by side. What is read is held, within bounds. What is held is stored, one delivery at
a time, and nothing is read meanwhile: what has arrived by then is read at one go and makes up the next, which
costs a busy process far less than to be woken by every message. What was stored is acknowledged, and where
the client reads slowly, only the newest of each stream is.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from sys import getsizeof
from typing import Final

import attrs
import orjson
from aiohttp import ClientConnectionResetError, WSCloseCode, WSMessage, WSMsgType, web
from aiohttp.base_protocol import BaseProtocol

from application.group_commit import GroupCommit
from application.spool import Spooled
from domain.delivery import Delivery, DeliveryReceipt, StreamStanding
from domain.errors import CallConflict, DeliveryRefused, InvalidValue, TrunklineError
from domain.packet import IncomingPacket
from domain.sequence_set import SequenceSet
from entrypoints.http import spooled_wire, wire
from entrypoints.http.heartbeat import Heartbeat
from entrypoints.http.memory_bound import MemoryBound
from entrypoints.http.packet_frames import packet_of_text, packets_of_frame
from entrypoints.http.problems import problem_of
from entrypoints.http.structuring import converter

LARGEST_DELIVERY: Final = 1_000
"""Packets: 20 seconds of a leg. A connection that holds as many is not read until they are under way."""
LARGEST_DELIVERY_BYTES: Final = 2 * 1024 * 1024
"""The same in bytes. A message may exceed what is left of either bound; it is taken whole."""
HELD_BYTES_PER_PACKET: Final = 512
"""What a packet takes in memory beside its data, about."""
CLOSE_SECONDS: Final = 2
"""For each step of closing that depends on the client, and for the storage where the process ends."""
MOST_RANGES_UNSAID: Final = 10_000
"""Of what was spooled, for a client that does not read. What it is not told it sends again: harmless."""
_LONGEST_REASON_BYTES: Final = 123  # RFC 6455 section 5.5: a control frame has 125, and two are the code


@attrs.define(eq=False)
class _Batch:
    """Whole messages that make one delivery. ``read_at`` is when the first of them was."""

    packets: list[IncomingPacket]
    byte_count: int
    read_at: float

    def takes(self, packets: list[IncomingPacket], byte_count: int) -> bool:
        """Whether so much more was within bounds, and is in it now."""
        if len(self.packets) + len(packets) > LARGEST_DELIVERY:
            return False
        if self.byte_count + byte_count > LARGEST_DELIVERY_BYTES:
            return False
        self.packets += packets
        self.byte_count += byte_count
        return True


@attrs.define(eq=False)
class PacketConnection:
    """``on_acknowledged`` is told how many seconds the oldest packet of a commit waited for it."""

    _socket: web.WebSocketResponse
    _protocol: BaseProtocol
    _call_id: str
    _stream: str
    _deliveries: GroupCommit[Delivery, DeliveryReceipt | Spooled]
    _memory: MemoryBound
    _on_acknowledged: Callable[[float], None]
    _held: deque[_Batch] = attrs.field(factory=deque, init=False)
    _held_packets: int = attrs.field(default=0, init=False)
    _held_bytes: int = attrs.field(default=0, init=False)
    _arrived: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _taken: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _unsaid: dict[str, StreamStanding] = attrs.field(factory=dict, init=False)
    _spooled_unsaid: dict[str, SequenceSet] = attrs.field(factory=dict, init=False)
    _refused: IncomingPacket | None = attrs.field(default=None, init=False)
    _is_sent_elsewhere: bool = attrs.field(default=False, init=False)
    _is_storing: bool = attrs.field(default=False, init=False)
    _loop: asyncio.AbstractEventLoop = attrs.field(factory=asyncio.get_running_loop, init=False)
    _heartbeat: Heartbeat = attrs.field(init=False)
    _reading: asyncio.Task[None] | None = attrs.field(default=None, init=False)
    _saying: asyncio.Task[None] | None = attrs.field(default=None, init=False)

    @_heartbeat.default
    def _heartbeat_of_this(self) -> Heartbeat:
        return Heartbeat(self._socket, self._cut_off)

    async def serve(self, greeting: wire.SocketGreeting) -> None:
        """Until the client closes, breaks a rule or is sent elsewhere.

        What was read before that is stored and acknowledged. Raises what the client was told of.
        """
        await self._send(greeting)
        self._reading = asyncio.create_task(self._read(), name=f"read packets of {self._call_id}")
        if self._is_sent_elsewhere:
            self._reading.cancel()
        storing = asyncio.create_task(self._store(), name=f"store packets of {self._call_id}")
        watching = asyncio.create_task(self._heartbeat.watch(), name=f"ping {self._call_id}")
        try:
            await asyncio.wait({self._reading, storing}, return_when=asyncio.FIRST_COMPLETED)
            self._reading.cancel()
            await asyncio.wait({self._reading})
            self._arrived.set()
            await asyncio.wait({storing}, timeout=CLOSE_SECONDS if self._is_sent_elsewhere else None)
            if self._saying is not None:
                await asyncio.wait({self._saying}, timeout=CLOSE_SECONDS)
            error = _error_of(storing) or _error_of(self._reading)
            await self._close(*self._last_words(error))
        finally:
            for task in (self._reading, storing, watching, self._saying):
                if task is not None:
                    task.cancel()
            self._memory.free(self._held_bytes)
        if error is not None:
            raise error

    def send_elsewhere(self) -> None:
        """Read no more, and have the client connect again once what was read is stored."""
        self._is_sent_elsewhere = True
        if self._reading is not None:
            self._reading.cancel()

    # -- reading -----------------------------------------------------------------------------------

    async def _read(self) -> None:
        """Returns where the client closes. Raises UnreadableBody, MalformedBody, InvalidValue."""
        while True:
            message = await self._socket.receive()
            read_at = self._heartbeat.hear()
            if message.type is WSMsgType.PONG:
                continue
            if message.type is WSMsgType.PING:
                await self._socket.pong(message.data)
                continue
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            packets = self._packets(message)
            byte_count = getsizeof(message.data) + HELD_BYTES_PER_PACKET * len(packets)
            if not self._memory.take_at_once(byte_count):
                await self._memory.take(byte_count)
            self._hold(packets, byte_count, read_at)
            while self._is_storing or self._is_full:
                self._protocol.pause_reading()  # to have taken a message has made aiohttp read on
                self._taken.clear()
                await self._taken.wait()

    def _packets(self, message: WSMessage) -> list[IncomingPacket]:
        if message.type is WSMsgType.BINARY:
            return packets_of_frame(self._call_id, self._stream, message.data)
        return [packet_of_text(self._call_id, self._stream, message.data)]

    def _hold(self, packets: list[IncomingPacket], byte_count: int, read_at: float) -> None:
        if not self._held or not self._held[-1].takes(packets, byte_count):
            self._held.append(_Batch(packets, byte_count, read_at))
        self._held_packets += len(packets)
        self._held_bytes += byte_count
        self._arrived.set()

    @property
    def _is_full(self) -> bool:
        return self._held_packets >= LARGEST_DELIVERY or self._held_bytes >= LARGEST_DELIVERY_BYTES

    # -- storing -----------------------------------------------------------------------------------

    async def _store(self) -> None:
        """Returns where nothing is left and nothing more will come. Raises what refused a delivery."""
        while True:
            if self._held:
                await self._store_all()
            if self._reading is None or self._reading.done():
                return
            self._arrived.clear()
            await self._arrived.wait()

    async def _store_all(self) -> None:
        self._is_storing = True
        self._heartbeat.listens = False
        self._protocol.pause_reading()
        try:
            while self._held:
                await self._store_some()
        finally:
            self._is_storing = False
            self._heartbeat.hear()
            self._heartbeat.listens = True
            self._taken.set()
            self._protocol.resume_reading()

    async def _store_some(self) -> None:
        batch = self._held.popleft()
        self._held_packets -= len(batch.packets)
        self._held_bytes -= batch.byte_count
        try:
            await self._deliver(batch.packets)
        finally:
            self._memory.free(batch.byte_count)
        self._on_acknowledged(self._loop.time() - batch.read_at)

    async def _deliver(self, packets: list[IncomingPacket]) -> None:
        """All of them, or those before the first that is refused, and then its refusal is raised."""
        try:
            receipt = await self._deliveries.submit_when_there_is_room(
                self._call_id, Delivery(self._call_id, tuple(packets))
            )
        except (DeliveryRefused, InvalidValue, CallConflict) as error:
            place, refusal = _first_refusal(error)
            if place > 0:
                await self._deliver(packets[:place])
            self._refused = packets[place]
            raise refusal from None
        if isinstance(receipt, Spooled):
            self._acknowledge_spooled(packets)
        else:
            self._acknowledge(receipt)

    # -- telling -----------------------------------------------------------------------------------

    def _acknowledge(self, receipt: DeliveryReceipt) -> None:
        self._unsaid.update((standing.stream, standing) for standing in receipt.streams)
        self._say_soon()

    def _acknowledge_spooled(self, packets: list[IncomingPacket]) -> None:
        for packet in packets:
            unsaid = self._spooled_unsaid.setdefault(packet.stream, SequenceSet())
            if unsaid.range_count < MOST_RANGES_UNSAID:
                unsaid.add(packet.sequence)
        self._say_soon()

    def _say_soon(self) -> None:
        if self._saying is None or self._saying.done():
            self._saying = asyncio.create_task(self._say())

    async def _say(self) -> None:
        """Whoever does not read this is stored all the same: nothing else waits for it."""
        while self._spooled_unsaid or self._unsaid:
            if self._spooled_unsaid:
                stream, sequences = self._spooled_unsaid.popitem()
                packets = spooled_wire.SpooledPackets(stream, tuple(sequences.ranges()))
                await self._send(spooled_wire.SocketSpooled(packets))
                continue
            standing = self._unsaid.pop(next(iter(self._unsaid)))
            acknowledged = wire.Acknowledged(standing.stream, standing.through)
            await self._send(wire.SocketAck(acknowledged, standing.missing))

    async def _send(self, message: attrs.AttrsInstance) -> None:
        """To a client that has gone it goes unsaid: when it comes back, it learns where it stands."""
        if self._socket.closed:
            return
        try:
            await self._socket.send_str(orjson.dumps(converter.unstructure(message)).decode())
        except ClientConnectionResetError:
            self._unsaid.clear()
            self._spooled_unsaid.clear()

    def _last_words(self, error: Exception | None) -> tuple[int, str]:
        """Close code and reason."""
        if error is None and self._is_sent_elsewhere:
            return WSCloseCode.SERVICE_RESTART, "the service restarts; connect again"
        if error is None:
            return WSCloseCode.OK, ""
        problem = problem_of(error)
        codes = {500: WSCloseCode.INTERNAL_ERROR, 503: WSCloseCode.TRY_AGAIN_LATER}
        code = codes.get(problem.status, 4000 + problem.status)
        if self._refused is None:
            return code, problem.detail
        return code, f"packet {self._refused.sequence} of {self._refused.stream}: {problem.detail}"

    async def _close(self, code: int, reason: str) -> None:
        """Say so, and read on to the client's own close, so that it can read what it was told."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._socket.close(code=code, message=_cut(reason.encode(), _LONGEST_REASON_BYTES))
        except TimeoutError:
            self._cut_off()

    def _cut_off(self) -> None:
        if self._protocol.transport is not None:
            self._protocol.transport.abort()


def _first_refusal(error: TrunklineError) -> tuple[int, TrunklineError]:
    """Its place in the delivery, and why."""
    return next(iter(error.refusals.items())) if isinstance(error, DeliveryRefused) else (0, error)


def _error_of(task: asyncio.Task[None]) -> Exception | None:
    if not task.done() or task.cancelled():
        return None
    error = task.exception()
    return error if isinstance(error, Exception) else None


def _cut(text: bytes, most_bytes: int) -> bytes:
    return text[:most_bytes].decode(errors="ignore").encode()

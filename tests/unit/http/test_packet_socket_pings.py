"""A client that has gone without a word is noticed. The clock is moved on, so that nobody waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from application.call_queries import CallQueries
from application.group_commit import GroupCommit
from application.receive_packets import ReceivePackets
from application.spool import Spool, Spooled
from domain.delivery import Delivery, DeliveryReceipt
from entrypoints.http.heartbeat import PING_SECONDS
from entrypoints.http.packet_frames import HEADER
from entrypoints.http.packet_socket import PacketSocketHandlers
from tests.fakes.call_reader import InMemoryCallReader
from tests.fakes.journal import FakeJournal
from tests.fakes.recordings import FakeRecordings
from tests.fakes.storage import InMemoryStorage
from tests.fakes.unit_of_work import FakeUnitsOfWork
from tests.unit.http.movable_clock import MovableClock

Deliveries = GroupCommit[Delivery, DeliveryReceipt | Spooled]
Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter, Deliveries], Awaitable[None]]

PING, PONG = b"\x89\x00", b"\x8a\x80\x00\x00\x00\x00"
HANDSHAKE = (
    b"GET /v1/call/stream/c-1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def made_deliveries() -> Deliveries:
    """Nothing is stored before somebody has it flush."""
    return Deliveries(
        ReceivePackets(FakeUnitsOfWork(InMemoryStorage())),
        flushers=1,
        lane_of=len,
        lanes_per_commit=None,
        capacity=1,
        largest_batch=1,
        size_of=lambda delivery: len(delivery.packets),
        on_batch=lambda _: None,
    )


def move(seconds: float) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, MovableClock)
    loop.moved_seconds += seconds


async def is_quiet(reader: asyncio.StreamReader) -> bool:
    try:
        await asyncio.wait_for(reader.read(1), 0.05)
    except TimeoutError:
        return True
    return False


async def falls_silent(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deliveries: Deliveries
) -> None:
    """It answers the first ping, and no other."""
    move(PING_SECONDS - 2)
    assert await is_quiet(reader)
    move(3)
    assert await reader.readexactly(2) == PING
    writer.write(PONG)
    await asyncio.sleep(0.05)
    move(PING_SECONDS / 2 + 1)
    assert await is_quiet(reader), "it answered, and the next ping is not due"
    move(PING_SECONDS / 2)
    assert await reader.readexactly(2) == PING
    move(PING_SECONDS / 2 + 1)
    assert await reader.read() == b"", "it is cut off"


async def is_not_taken_for_gone(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deliveries: Deliveries
) -> None:
    """Its packet waits long to be stored, and nobody listens meanwhile."""
    packet = HEADER.pack(1, 1, 0.0) + b"x"
    writer.write(bytes([0x82, 0x80 | len(packet)]) + b"\x00\x00\x00\x00" + packet)
    await asyncio.sleep(0.05)
    for _ in range(3):
        move(PING_SECONDS)
        assert await is_quiet(reader)
    storing = asyncio.create_task(deliveries.flush_for_ever(0))
    assert b"ack" in await reader.readuntil(b"}")
    storing.cancel()


async def connect_and(behave: Behaviour) -> None:
    deliveries = made_deliveries()
    queries = CallQueries(InMemoryCallReader(), FakeRecordings())
    made = PacketSocketHandlers(deliveries, queries, Spool(FakeJournal()), 1_000_000, lambda _: None)
    application = web.Application()
    application.router.add_get("/v1/call/stream/{call_id}/ws", made.socket)
    server = web.AppRunner(application, access_log=None, shutdown_timeout=0)
    await server.setup()
    await web.TCPSite(server, "127.0.0.1", 0).start()
    reader, writer = await asyncio.open_connection(*server.addresses[0][:2])
    writer.write(HANDSHAKE)
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    assert b"c-1" in await reader.readuntil(b"}")
    await behave(reader, writer, deliveries)
    writer.close()
    await server.cleanup()


def run(behave: Behaviour) -> None:
    with asyncio.Runner(loop_factory=MovableClock) as runner:
        runner.run(asyncio.wait_for(connect_and(behave), 4 * PING_SECONDS))


def test_who_does_not_answer_a_ping_is_cut_off() -> None:
    run(falls_silent)


def test_silence_does_not_count_while_something_is_stored() -> None:
    run(is_not_taken_for_gone)

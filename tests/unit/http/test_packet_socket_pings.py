"""A client that has gone without a word is noticed. The clock is moved on, so that nobody waits."""

from __future__ import annotations

import asyncio

from aiohttp import web

from application.call_queries import CallQueries
from application.group_commit import GroupCommit
from application.receive_packets import ReceivePackets
from application.spool import Spool, Spooled
from domain.delivery import Delivery, DeliveryReceipt
from entrypoints.http.packet_connection import PING_SECONDS
from entrypoints.http.packet_socket import PacketSocketHandlers
from tests.fakes.call_reader import InMemoryCallReader
from tests.fakes.journal import FakeJournal
from tests.fakes.recordings import FakeRecordings
from tests.fakes.storage import InMemoryStorage
from tests.fakes.unit_of_work import FakeUnitsOfWork
from tests.unit.http.movable_clock import MovableClock
from tests.waiting import until

PING, PONG = b"\x89\x00", b"\x8a\x80\x00\x00\x00\x00"
HANDSHAKE = (
    b"GET /v1/call/stream/c-1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def handlers() -> PacketSocketHandlers:
    deliveries = GroupCommit[Delivery, DeliveryReceipt | Spooled](
        ReceivePackets(FakeUnitsOfWork(InMemoryStorage())),
        flushers=1,
        lane_of=len,
        lanes_per_commit=None,
        capacity=1,
        largest_batch=1,
        size_of=lambda delivery: len(delivery.packets),
        on_batch=lambda _: None,
    )
    queries = CallQueries(InMemoryCallReader(), FakeRecordings())
    return PacketSocketHandlers(deliveries, queries, Spool(FakeJournal()), 1_000_000, lambda _: None)


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


async def falls_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
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


async def connect_and_fall_silent() -> None:
    made = handlers()
    application = web.Application()
    application.router.add_get("/v1/call/stream/{call_id}/ws", made.socket)
    server = web.AppRunner(application, access_log=None, shutdown_timeout=0)
    await server.setup()
    await web.TCPSite(server, "127.0.0.1", 0).start()
    reader, writer = await asyncio.open_connection(*server.addresses[0][:2])
    writer.write(HANDSHAKE)
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    assert b"c-1" in await reader.readuntil(b"}")
    await falls_silent(reader, writer)
    await until(lambda: not made._open)
    writer.close()
    await server.cleanup()


def test_who_does_not_answer_a_ping_is_cut_off() -> None:
    with asyncio.Runner(loop_factory=MovableClock) as runner:
        runner.run(asyncio.wait_for(connect_and_fall_silent(), 4 * PING_SECONDS))

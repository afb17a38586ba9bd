"""What the service holds in memory for clients that send too fast, and for those that do not listen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

import pytest
from aiohttp import web

from entrypoints.http.packet_connection import (
    CLOSE_SECONDS,
    LARGEST_DELIVERY,
    LARGEST_DELIVERY_BYTES,
    PacketConnection,
)
from tests.http.described_client import DescribedClient
from tests.http.held_storage import held_storage, until_somebody_waits
from tests.http.limited_sockets import limited_sockets
from tests.http.packet_client import Closed, PacketClient, ack, frame, packet_client
from tests.http.running_service import RunningService
from tests.waiting import until, until_found

MEBIBYTE = 1024 * 1024
AMPLE = 64 * MEBIBYTE
STREAMS = [f"{number:0>64}" for number in range(200)]
SENT_UNHEARD = [(stream, sequence) for sequence in range(0, 66, 2) for stream in STREAMS]


async def send_all(client: PacketClient, messages: Iterable[bytes]) -> None:
    for message in messages:
        await client.socket.send_bytes(message)


def transport_of(client: PacketClient) -> asyncio.Transport:
    connection = client.socket._response.connection
    assert connection is not None
    assert connection.transport is not None
    return connection.transport


async def send_without_listening(client: PacketClient) -> None:
    """More than the buffers can hold acknowledgements of."""
    transport_of(client).pause_reading()
    for stream, sequence in SENT_UNHEARD:
        await client.send_text(sequence, stream=stream)


def is_not_read(connection: PacketConnection) -> bool:
    transport = connection._protocol.transport
    return transport is not None and not transport.is_reading()


async def is_stopped(sending: asyncio.Task[None]) -> bool:
    """Half a second is long where nothing else is to be done."""
    done, _ = await asyncio.wait({sending}, timeout=0.5)
    return not done


@pytest.mark.parametrize(
    ("packets", "byte_count", "messages"), [(10, 1_000, 4_000), (1, 60_000, 600)], ids=["many", "large"]
)
async def test_a_client_that_sends_too_fast_is_stopped_and_goes_on(
    service: RunningService, call_id: str, packets: int, byte_count: int, messages: int
) -> None:
    last = packets * messages
    sent = [frame(range(first, first + packets), b"x" * byte_count) for first in range(1, last + 1, packets)]
    async with (
        limited_sockets(service, AMPLE) as limited,
        packet_client(limited.url, call_id) as (client, _),
    ):
        await client.send(0)
        assert await client.next() == ack(0)
        with held_storage(service):
            await client.send(0)
            await until_somebody_waits(service)
            sending = asyncio.create_task(send_all(client, sent))
            (connection,) = limited.connections
            assert await is_stopped(sending)
            assert is_not_read(connection)
            assert connection._held_packets < LARGEST_DELIVERY + packets
            assert connection._held_bytes < LARGEST_DELIVERY_BYTES + len(sent[0]) + 10_000
            assert limited.held_bytes < connection._held_bytes + 2_000
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await client.next()
        throughs = [found["ack"]["through"] for found in await client.acknowledged(last)]
        assert throughs == sorted(throughs)
        await sending
        assert limited.held_bytes == 0


async def test_all_connections_together_hold_no_more_than_their_bound(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    """And everybody gets through in the end, who has little to send and who has much."""
    calls = [f"{call_id}-{number}" for number in range(48)]
    last = 40
    async with limited_sockets(service, MEBIBYTE) as limited, asyncio.TaskGroup() as group:

        async def sender(call: str, byte_count: int) -> None:
            async with packet_client(limited.url, call) as (socket, _):
                await send_all(socket, [frame([at], b"x" * byte_count) for at in range(1, last + 1)])
                await socket.acknowledged(last)

        for call in calls:
            await client.packet(call, 0)
        with held_storage(service):
            for place, call in enumerate(calls):
                group.create_task(sender(call, 60_000 if place % 2 else 1), name=call)
            await until(lambda: limited.held_bytes > MEBIBYTE - 61_000)
            seen = 0
            for _ in range(50):
                seen = max(seen, limited.held_bytes)
                await asyncio.sleep(0.005)
            assert seen <= MEBIBYTE
    for call in calls:
        assert (await client.call(call))["streams"][0]["received"] == last + 1


async def test_a_message_larger_than_the_bound_is_taken_alone(service: RunningService, call_id: str) -> None:
    async with (
        limited_sockets(service, 1_000) as limited,
        packet_client(limited.url, call_id) as (client, _),
    ):
        for sequence in (1, 2, 3):
            await client.send(sequence, data=b"x" * 5_000)
        await client.acknowledged(3)


async def test_a_client_that_reads_no_acknowledgement_is_stored_and_holds_up_nobody(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    async with (
        limited_sockets(service, MEBIBYTE) as limited,
        packet_client(limited.url, call_id) as (mute, _),
    ):
        await send_without_listening(mute)

        async def all_stored() -> bool:
            found = (await client.call(call_id))["streams"]
            received: int = sum(stream["received"] for stream in found)
            return received == len(SENT_UNHEARD)

        await until_found(all_stored)
        (connection,) = limited.connections
        assert connection._saying is not None
        assert not connection._saying.done(), "its acknowledgements fitted into the buffers"
        assert len(connection._unsaid) <= len(STREAMS)
        await until(lambda: limited.held_bytes == 0)
        async with packet_client(limited.url, f"{call_id}-other") as (other, _):
            await other.send(1)
            assert await other.next() == ack(1)
        transport_of(mute).resume_reading()
        said: dict[str, int] = {}
        while said != dict.fromkeys(STREAMS, 64):
            acknowledged = (await mute.next())["ack"]
            said[acknowledged["stream"]] = acknowledged["through"]


async def test_what_is_still_unsaid_is_said_before_a_connection_is_closed_for_an_error(
    service: RunningService, call_id: str
) -> None:
    async with (
        limited_sockets(service, MEBIBYTE) as limited,
        packet_client(limited.url, call_id) as (slow, _),
    ):
        (connection,) = limited.connections
        await send_without_listening(slow)
        await slow.socket.send_str("nonsense")
        await until(lambda: connection._reading is not None and connection._reading.done())
        transport_of(slow).resume_reading()
        said: dict[str, int] = {}
        while not isinstance(message := await slow.next(), Closed):
            said[message["ack"]["stream"]] = message["ack"]["through"]
        assert message.code == 4400
        assert said == dict.fromkeys(STREAMS, 64)


async def test_a_delivery_is_made_of_whole_messages_and_bounded(
    service: RunningService, call_id: str
) -> None:
    """What does not fit any more waits for the next commit."""
    async with (
        limited_sockets(service, AMPLE) as limited,
        packet_client(limited.url, call_id) as (client, _),
    ):
        await client.send(0)
        assert await client.next() == ack(0)
        with held_storage(service):
            await client.send(1)
            await until_somebody_waits(service)
            await client.send(*range(2, 602))
            await client.send(*range(602, 1_202))
        assert [await client.next() for _ in range(3)] == [ack(1), ack(601), ack(1_201)]


async def test_a_client_that_listens_to_nothing_does_not_hold_up_the_end_of_the_process(
    service: RunningService, call_id: str
) -> None:
    """Not even its close can be told to it."""
    async with (
        limited_sockets(service, MEBIBYTE) as limited,
        packet_client(limited.url, call_id) as (mute, _),
    ):
        await send_without_listening(mute)
        await until(lambda: limited.held_bytes == 0)
        began = time.monotonic()
        await asyncio.to_thread(service.run, limited.handlers.close_all(web.Application()))
        assert time.monotonic() - began < 2 * CLOSE_SECONDS + 1
        assert limited.connections == []
        transport_of(mute).abort()


async def test_a_refusal_reaches_a_client_that_is_stopped(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    """What it holds by then is let go."""
    await client.packet(call_id, 1, "first")
    async with limited_sockets(service, AMPLE) as limited:
        async with packet_client(limited.url, call_id) as (socket, _):
            with held_storage(service):
                await socket.send(1)
                await until_somebody_waits(service)
                await socket.send(*range(2, 1_002))
                await socket.send(1_002)
                (connection,) = limited.connections
                assert is_not_read(connection)
            closed = await socket.closed()
            assert isinstance(closed, Closed)
            assert closed.code == 4409
        await until(lambda: not limited.connections)
        assert limited.held_bytes == 0

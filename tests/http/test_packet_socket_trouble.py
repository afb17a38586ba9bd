"""Restarts and trouble with the storage: a client is told, and nothing that was acknowledged is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack
from typing import Any

import pytest

from entrypoints.http.packet_socket import PacketSocketHandlers
from faults.database_way import NextCommit
from tests.databases import Databases
from tests.http.answer import assert_problem
from tests.http.database_proxy import DatabaseProxy
from tests.http.described_client import DescribedClient
from tests.http.held_storage import held_storage, until_somebody_waits
from tests.http.packet_client import Closed, PacketClient, ack, packet_client, spooled
from tests.http.readiness import until_ready
from tests.http.running_service import RunningService, running_service
from tests.http.test_operation import families, sample
from tests.waiting import until

RESTART = Closed(1012, "the service restarts; connect again")


@pytest.fixture(scope="module")
def proxy() -> DatabaseProxy:
    return DatabaseProxy()


@pytest.fixture(scope="module")
def service(databases: Databases, proxy: DatabaseProxy) -> Iterator[RunningService]:
    """With a way to the database that can be cut."""
    with running_service(databases, proxy.reach) as service:
        yield service


@pytest.fixture
async def cut(service: RunningService, client: DescribedClient, proxy: DatabaseProxy) -> AsyncIterator[None]:
    """Connected first: a handshake needs the database."""
    yield
    service.run(proxy.restore())
    await until_ready(client)


@pytest.mark.usefixtures("cut")
async def test_the_database_is_gone(
    service: RunningService, client: DescribedClient, proxy: DatabaseProxy, call_id: str
) -> None:
    async with packet_client(service.url, call_id) as (socket, _):
        await socket.send(1)
        assert await socket.next() == ack(1)
        service.run(proxy.cut())
        await socket.send(2, 3, 5)
        assert await socket.next() == spooled((2, 3), (5, 5))
        async with packet_client(service.url, call_id) as (other, greeting):
            assert greeting == {"call_id": call_id, "state": None, "streams": []}
            await other.send(6)
            assert await other.next() == spooled((6, 6))
        service.run(proxy.restore())
        await until_ready(client)
        await socket.send(7)
        assert await socket.next() == ack(7, (4, 4))
    answer = await client.get(f"/v1/call/stream/{call_id}/ws")
    assert_problem(answer, 400)  # what is no handshake stays none


@pytest.mark.parametrize("fate", ["is not answered", "never arrives"])
async def test_what_may_have_been_stored_is_spooled_and_counts_once(
    service: RunningService, client: DescribedClient, proxy: DatabaseProxy, call_id: str, fate: NextCommit
) -> None:
    async with packet_client(service.url, call_id) as (socket, _):
        await socket.send(1)
        assert await socket.next() == ack(1)
        proxy.meet_next_commit(fate)
        await socket.send(2)
        assert await socket.next() == spooled((2, 2))
        await until_ready(client)
        await socket.send(2, 3)
        assert await socket.next() == ack(3)
    assert (await client.call(call_id))["streams"][0]["received"] == 3


async def test_a_fault_of_ours_is_told_without_its_words_and_noted(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    pool = service.container.pool()
    async with packet_client(service.url, call_id) as (socket, _):
        service.run(pool.execute("ALTER TABLE packets RENAME TO elsewhere"))
        try:
            await socket.send(1)
            closed = await socket.closed()
        finally:
            service.run(pool.execute("ALTER TABLE elsewhere RENAME TO packets"))
    assert closed == Closed(1011, "the fault is logged under this request's id")
    assert await ended(client, 500) == 1


async def test_packets_are_counted_and_timed(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    async def counted() -> dict[str, float]:
        found = await families(client)
        return {
            "acks": sample(found["trunkline_ack_seconds"], "trunkline_ack_seconds_count"),
            "waited": sample(found["trunkline_ack_seconds"], "trunkline_ack_seconds_sum"),
            "packets": sample(found["trunkline_batch_packets"], "trunkline_batch_packets_sum"),
        }

    before = await counted()
    async with packet_client(service.url, call_id) as (socket, _):
        await socket.send(*range(1, 8))
        assert await socket.next() == ack(7)
        after = await counted()
        await socket.socket.send_str("nonsense")
        await socket.closed()
    assert after["acks"] == before["acks"] + 1
    assert after["packets"] == before["packets"] + 7
    assert 0 < after["waited"] - before["waited"] < 5
    assert await ended(client, 400) >= 1
    assert await ended(client, 101) >= 1


async def ended(client: DescribedClient, status: int) -> float:
    """How many connections, by what they ended with."""
    requests = (await families(client))["trunkline_http_requests"]
    labels = {"method": "GET", "route": "/v1/call/stream/{call_id}/ws", "status": str(status)}
    return sample(requests, "trunkline_http_requests_total", **labels)


async def listening(clients: list[PacketClient]) -> list[Any]:
    return list(await asyncio.gather(*(client.next() for client in clients)))


async def test_a_process_that_ends_sends_its_clients_elsewhere(databases: Databases, call_id: str) -> None:
    """What was read is stored and acknowledged before; two hundred idle connections cost no time.

    What came while that was stored is not read any more, and sent again elsewhere.
    """
    with ExitStack() as running:
        service = running.enter_context(running_service(databases))
        async with AsyncExitStack() as opened:
            idle = [
                (await opened.enter_async_context(packet_client(service.url, f"{call_id}-{number}")))[0]
                for number in range(200)
            ]
            busy, _ = await opened.enter_async_context(packet_client(service.url, call_id))
            await busy.send(1)
            assert await busy.next() == ack(1)
            with held_storage(service):
                await busy.send(2)
                await until_somebody_waits(service)
                await busy.send(3, 4)
                (connection,) = [one for one in handlers_of(service)._open if one._call_id == call_id]
                ending = asyncio.create_task(asyncio.to_thread(running.close))
                await until(lambda: connection._is_sent_elsewhere)
            assert [await busy.next(), await busy.next()] == [ack(2), RESTART]
            assert await listening(idle) == [RESTART] * 200
            async with asyncio.timeout(5):
                await ending


async def test_a_process_that_ends_does_not_wait_for_its_storage(databases: Databases, call_id: str) -> None:
    """What it waits for too long is spooled, and the client is told to go elsewhere."""
    with ExitStack() as running:
        service = running.enter_context(running_service(databases))
        async with packet_client(service.url, call_id) as (client, _):
            await client.send(1)
            assert await client.next() == ack(1)
            with held_storage(service):
                await client.send(2)
                await until_somebody_waits(service)
                ending = asyncio.create_task(asyncio.to_thread(running.close))
                assert await client.next() == spooled((2, 2))
                assert await client.next() == RESTART
            async with asyncio.timeout(8):
                await ending


async def test_nobody_is_let_in_while_the_process_ends(databases: Databases, call_id: str) -> None:
    with running_service(databases) as service:
        handlers = handlers_of(service)
        service.run(handlers.close_all(service.container.api()))
        with pytest.raises(Exception, match="503"):
            async with packet_client(service.url, call_id):
                pass


def handlers_of(service: RunningService) -> PacketSocketHandlers:
    (handlers,) = (
        found
        for hook in service.container.api().on_shutdown
        if isinstance(found := getattr(hook, "__self__", None), PacketSocketHandlers)
    )
    return handlers

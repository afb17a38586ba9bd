"""While PostgreSQL is away a PBX notices nothing, and once it is back everything is there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.databases import Databases
from tests.http.answer import Answer, assert_problem
from tests.http.database_proxy import DatabaseProxy
from tests.http.described_client import DescribedClient
from tests.http.packet_client import PacketClient, ack, packet_client, spooled
from tests.http.readiness import until_ready
from tests.http.running_service import RunningService, running_service
from tests.http.test_operation import families, sample

AUDIO = {"encoding": "audio/x-mulaw", "sample_rate_hz": 8000, "channels": 1}
SOON_SECONDS = 2.5
"""A second is what the database may take, and the machine is busy."""


@pytest.fixture(scope="module")
def proxy() -> DatabaseProxy:
    return DatabaseProxy()


@pytest.fixture(scope="module")
def service(databases: Databases, proxy: DatabaseProxy) -> Iterator[RunningService]:
    with running_service(databases, proxy.reach, spool_max_megabytes="1") as service:
        yield service


@pytest.fixture(autouse=True)
async def restored(
    service: RunningService, client: DescribedClient, proxy: DatabaseProxy
) -> AsyncIterator[None]:
    yield
    service.run(proxy.restore())
    await until_ready(client)


async def back(service: RunningService, client: DescribedClient, proxy: DatabaseProxy) -> None:
    service.run(proxy.restore())
    await until_ready(client)


async def lines(client: DescribedClient, call_id: str, *sequences: int) -> Answer:
    body = b"".join(b'{"sequence": %d, "data": "//8=", "timestamp": 1.5}\n' % each for each in sequences)
    return await client.send(f"/v1/call/stream/{call_id}", body, Content_Type="application/x-ndjson")


async def stored(client: DescribedClient, call_id: str) -> dict[int, Any]:
    page = (await client.get(f"/v1/calls/{call_id}/packets?limit=1000")).json
    return {packet["sequence"]: packet for packet in page["packets"]}


@pytest.mark.parametrize("how", ["cut", "silence"])
async def test_a_whole_call_while_the_database_is_away(
    service: RunningService, client: DescribedClient, proxy: DatabaseProxy, call_id: str, how: str
) -> None:
    """Answered in the same time bound, whether connections are refused or hang; then there byte for byte."""
    service.run(proxy.cut() if how == "cut" else proxy.silence())
    began = time.monotonic()
    init = await client.init(call_id, media=AUDIO, metadata={"from": "+1555"})
    assert time.monotonic() - began < SOON_SECONDS
    began = time.monotonic()
    packet = await client.packet(call_id, 1, "AAD/")
    many = await lines(client, call_id, 2, 3, 5)
    complete = await client.complete(call_id, main=5)
    assert time.monotonic() - began < SOON_SECONDS, "what is away has to be remembered"
    assert (init.status, init.json) == (
        201,
        {"status": "started", "durability": "spooled", "call_id": call_id, "state": "IN_PROGRESS"},
    )
    assert (packet.status, packet.json) == (
        202,
        {"status": "accepted", "durability": "spooled", "call_id": call_id, "stream": "main", "sequence": 1},
    )
    assert (many.status, many.json) == (
        202,
        {"status": "accepted", "durability": "spooled", "call_id": call_id},
    )
    assert (complete.status, complete.json) == (
        202,
        {"status": "completed", "durability": "spooled", "call_id": call_id, "state": "COMPLETED"},
    )
    await back(service, client, proxy)
    call = await client.call(call_id)
    assert (call["state"], call["media"], call["metadata"]) == ("COMPLETED", AUDIO, {"from": "+1555"})
    (stream,) = call["streams"]
    assert (stream["received"], stream["missing"]) == (4, [[4, 4]])
    packets = await stored(client, call_id)
    assert {number: packets[number]["data"] for number in packets} == {
        1: "AAD/",
        2: "//8=",
        3: "//8=",
        5: "//8=",
    }
    again = await client.packet(call_id, 1, "AAD/")
    assert again.json["status"] == "duplicate"
    assert "durability" not in again.json
    assert (await client.call(call_id))["streams"][0]["duplicates"] == 1


async def test_operators_see_that_it_is_degraded_and_what_waits(
    service: RunningService, client: DescribedClient, proxy: DatabaseProxy, call_id: str
) -> None:
    service.run(proxy.cut())
    await client.packet(call_id, 1)
    await client.packet(call_id, 2)
    ready = await client.get("/readyz")
    assert (ready.status, ready.json["status"]) == (200, "degraded")
    assert ready.json["checks"]["spool"] == "holds 2 requests until the database is back"
    found = await families(client)
    assert sample(found["trunkline_spool_entries"], "trunkline_spool_entries") == 2
    assert sample(found["trunkline_spool_bytes"], "trunkline_spool_bytes") > 0
    assert 0 < sample(found["trunkline_spool_oldest_seconds"], "trunkline_spool_oldest_seconds") < 60
    await back(service, client, proxy)
    found = await families(client)
    assert sample(found["trunkline_spool_entries"], "trunkline_spool_entries") == 0
    assert sample(found["trunkline_spool_oldest_seconds"], "trunkline_spool_oldest_seconds") == 0


async def test_what_is_refused_afterwards_is_kept_and_shown(
    service: RunningService, client: DescribedClient, proxy: DatabaseProxy, call_id: str
) -> None:
    await client.init(call_id)
    await client.packet(call_id, 1, "first")
    before = sample((await families(client))["trunkline_spool_refused"], "trunkline_spool_refused_total")
    service.run(proxy.cut())
    assert (await client.init(call_id, media=AUDIO, metadata={"a": "b"})).status == 201
    assert (await client.packet(call_id, 1, "a\0b")).status == 202
    assert (await client.packet(call_id, 2, "more")).status == 202
    assert (await client.complete(f"{call_id}-nobody", main=3)).status == 202
    async with packet_client(service.url, call_id) as (socket, _):
        await socket.send(1, data=b"\xff\x00")
        assert await socket.next() == spooled((1, 1))
    await back(service, client, proxy)
    assert [packet["data"] for packet in (await stored(client, call_id)).values()] == ["first", "more"]
    after = sample((await families(client))["trunkline_spool_refused"], "trunkline_spool_refused_total")
    assert after - before == 4

    found = (await client.get("/v1/spool/refusals?limit=3")).json
    rest = (await client.get(f"/v1/spool/refusals?limit=3&after={found['next']}")).json
    shown = [each for each in found["refusals"] + rest["refusals"] if each["call_id"].startswith(call_id)]
    assert {(each["what"], each["reason"]) for each in shown} == {
        ("init", "CallDiffers"),
        ("packets", "InvalidValue"),
        ("completion", "UnknownCall"),
    }
    assert len(shown) == 4
    requests = [each["request"] for each in shown]
    assert {"media": AUDIO, "metadata": {"a": "b"}} in requests
    assert {"final_sequence": {"main": 3}} in requests
    packet = {"stream": "main", "sequence": 1, "timestamp": 1.5}
    assert {"packets": [packet | {"text": "a\0b"}]} in requests
    assert {"packets": [packet | {"raw": "/wA="}]} in requests
    assert all(each["detail"] and each["at"] for each in shown)
    assert_problem(await client.get("/v1/spool/refusals?after=x"), 422, "after")


async def test_a_full_spool_is_503_and_takes_more_once_it_is_empty(
    service: RunningService, client: DescribedClient, proxy: DatabaseProxy, call_id: str
) -> None:
    """No false 2xx: exactly what was answered 202 is there afterwards."""
    service.run(proxy.cut())
    answers = {number: await client.packet(call_id, number, "x" * 60_000) for number in range(1, 25)}
    taken = {number for number, answer in answers.items() if answer.status == 202}
    assert 10 < len(taken) < 24
    assert_problem(answers[24], 503)
    assert answers[24].json["type"] == "urn:trunkline:problem:spool-unavailable"
    ready = await client.get("/readyz")
    assert (ready.status, ready.json["status"]) == (503, "unavailable")
    await back(service, client, proxy)
    assert set(await stored(client, call_id)) == taken
    assert (await client.packet(call_id, 24)).status == 202


async def test_sockets_go_on_and_reading_answers_503(
    service: RunningService, client: DescribedClient, proxy: DatabaseProxy, call_id: str
) -> None:
    await client.init(call_id, media=AUDIO)
    async with packet_client(service.url, call_id) as (socket, _):
        await socket.send(1)
        assert await socket.next() == ack(1)
        service.run(proxy.silence())
        began = time.monotonic()
        await socket.send(2, 3)
        assert await socket.next() == spooled((2, 3))
        assert time.monotonic() - began < SOON_SECONDS
        await socket.send_text(7, "AAAA", stream="agent")
        assert await socket.next() == spooled((7, 7), stream="agent")
        service.run(proxy.cut())
        assert_problem(await client.get(f"/v1/calls/{call_id}"), 503)
        await back(service, client, proxy)
        await socket.send(4)
        assert await socket.next() == ack(4)
    streams = (await client.call(call_id))["streams"]
    assert [(stream["stream"], stream["received"]) for stream in streams] == [("agent", 1), ("main", 4)]


async def stream_packets(socket: PacketClient, upto: int) -> set[int]:
    """Each once the one before is acknowledged in either way; those that were."""
    acknowledged = set[int]()
    for number in range(1, upto + 1):
        await socket.send(number, data=b"\xff" * 160)
        said = await socket.next()
        assert said in (ack(number), spooled((number, number))), said
        acknowledged.add(number)
    return acknowledged


async def test_the_database_comes_and_goes_under_load(
    service: RunningService, client: DescribedClient, proxy: DatabaseProxy, call_id: str
) -> None:
    """Ten legs that start while it is away, each packet after the last one's answer: no gap, no refusal."""
    legs = [f"{call_id}-{number}" for number in range(10)]
    refused = (await client.get("/v1/spool/refusals?limit=100")).json["refusals"]

    async def one_leg(leg: str) -> None:
        assert (await client.init(leg, media=AUDIO)).status == 201
        async with packet_client(service.url, leg) as (socket, _):
            assert await stream_packets(socket, 150) == set(range(1, 151))
        assert (await client.complete(leg, main=150)).status == 202

    service.run(proxy.cut())
    sending = [asyncio.create_task(one_leg(leg)) for leg in legs]
    for _ in range(3):
        await asyncio.sleep(0.1)
        service.run(proxy.restore())
        await asyncio.sleep(0.5)
        service.run(proxy.cut())
    service.run(proxy.restore())
    async with asyncio.timeout(60):
        await asyncio.gather(*sending)
    await until_ready(client)
    for leg in legs:
        call = await client.call(leg)
        assert (call["state"], call["media"], call["streams"][0]["received"]) == ("COMPLETED", AUDIO, 150)
        assert call["streams"][0]["missing"] == []
    assert (await client.get("/v1/spool/refusals?limit=100")).json["refusals"] == refused

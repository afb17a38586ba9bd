"""Clients that hang up in the middle. What they had sent whole is stored, and nothing is wedged."""

from __future__ import annotations

import asyncio
import struct
from socket import SO_LINGER, SOL_SOCKET

import orjson
import pytest

from tests.http.described_client import DescribedClient
from tests.http.held_storage import held_storage, until, until_somebody_waits
from tests.http.raw_http import request_bytes
from tests.http.running_service import RunningService

GONE = 499


def counted(service: RunningService, method: str, route: str, status: int) -> float:
    labels = {"method": method, "route": route, "status": str(status)}
    registry = service.container.metrics().registry
    return registry.get_sample_value("trunkline_http_requests_total", labels) or 0.0


def posted(path: str, body: object) -> bytes:
    raw = orjson.dumps(body)
    headers = ("Content-Type: application/json", f"Content-Length: {len(raw)}")
    return request_bytes("POST", path, *headers, body=raw)


async def open_and_send(service: RunningService, sent: bytes) -> asyncio.StreamWriter:
    _, writer = await asyncio.open_connection(service.host, service.port, limit=1)
    writer.write(sent)
    await writer.drain()
    return writer


def hang_up(writer: asyncio.StreamWriter) -> None:
    """At once, with a reset: what is still on its way is thrown away."""
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()


async def state_of(client: DescribedClient, call_id: str) -> str | None:
    answer = await client.get(f"/v1/calls/{call_id}")
    return answer.json.get("state") if answer.status == 200 else None


PACKET = {"sequence": 1, "data": "text", "timestamp": 1}


@pytest.mark.parametrize(
    ("path", "body", "state"),
    [
        ("/v1/call/init", {"call_id": "gone-init"}, "IN_PROGRESS"),
        ("/v1/call/stream/gone-stream", PACKET, "IN_PROGRESS"),
        ("/v1/call/complete/gone-complete", {}, "COMPLETED"),
    ],
)
async def test_while_the_storage_works(
    service: RunningService, client: DescribedClient, path: str, body: object, state: str
) -> None:
    call_id = "gone-" + path.split("/")[3]
    if state == "COMPLETED":
        await client.init(call_id)
    with held_storage(service):
        writer = await open_and_send(service, posted(path, body))
        await until_somebody_waits(service)
        hang_up(writer)
        assert (await client.get("/readyz")).status == 200
    async with asyncio.timeout(10):
        while await state_of(client, call_id) != state:
            pass
    if "stream" in path:
        assert (await client.packet(call_id, 1)).json["status"] == "duplicate"


async def test_fifty_at_once(service: RunningService, client: DescribedClient, call_id: str) -> None:
    with held_storage(service):
        writers = [
            await open_and_send(
                service, posted(f"/v1/call/stream/{call_id}", PACKET | {"sequence": sequence})
            )
            for sequence in range(1, 51)
        ]
        await until_somebody_waits(service)
        for writer in writers:
            hang_up(writer)
    answer = await client.packet(call_id, 51)
    async with asyncio.timeout(10):
        while answer.json["missing"]:
            answer = await client.packet(call_id, 51)
    assert (await client.call(call_id))["streams"][0]["received"] == 51


@pytest.mark.parametrize(
    "sent",
    [
        posted("/v1/call/stream/cut", PACKET)[:-5],
        request_bytes(
            "POST",
            "/v1/call/stream/cut",
            "Content-Type: application/json",
            "Transfer-Encoding: chunked",
            body=b'5\r\n{"seq',
        ),
    ],
)
async def test_in_the_middle_of_the_body(
    service: RunningService, client: DescribedClient, nothing_stored: None, sent: bytes
) -> None:
    route = "/v1/call/stream/{call_id}"
    before = counted(service, "POST", route, GONE)
    hang_up(await open_and_send(service, sent))
    await until(lambda: counted(service, "POST", route, GONE) == before + 1)
    assert counted(service, "POST", route, 500) == 0
    assert (await client.get("/v1/calls/cut")).status == 404


async def test_in_the_middle_of_a_download(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    await client.init(call_id, media={"encoding": "audio/x-mulaw", "sample_rate_hz": 8000, "channels": 1})
    for sequence in (1, 90_000):  # half an hour of silence between them
        await client.packet(call_id, sequence, "A" * 216)
    route = "/v1/calls/{call_id}/audio.wav"
    hang_up(await open_and_send(service, request_bytes("GET", f"/v1/calls/{call_id}/audio.wav")))
    await until(lambda: counted(service, "GET", route, GONE) == 1)
    assert counted(service, "GET", route, 500) == 0

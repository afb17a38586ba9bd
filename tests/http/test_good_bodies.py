"""Bodies in every form that HTTP and JSON allow, all of which mean the same packet."""

from __future__ import annotations

import asyncio

import pytest

from tests.http.described_client import DescribedClient
from tests.http.raw_http import exchange, read_answer, request_bytes
from tests.http.running_service import RunningService

PACKET = b'{"sequence": 1, "data": "\xc3\xa4", "timestamp": 1}'


async def stored(client: DescribedClient, call_id: str) -> list[tuple[int, str]]:
    packets = (await client.get(f"/v1/calls/{call_id}/packets")).json["packets"]
    return [(packet["sequence"], packet["data"]) for packet in packets]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        'application/json; charset="utf-8"',
        "application/json; charset=utf8",
        "application/json; profile=x",
    ],
)
async def test_content_types(client: DescribedClient, call_id: str, content_type: str) -> None:
    answer = await client.send(f"/v1/call/stream/{call_id}", PACKET, Content_Type=content_type)
    assert answer.status == 202
    assert await stored(client, call_id) == [(1, "ä")]


async def test_the_identity_encoding_is_none(client: DescribedClient, call_id: str) -> None:
    answer = await client.send(f"/v1/call/stream/{call_id}", PACKET, Content_Encoding="identity")
    assert answer.status == 202


@pytest.mark.parametrize(
    "raw",
    [
        b' \t\r\n{ "timestamp" :1,\n"data":"\\u00e4" , "sequence":1 }\r\n ',
        b'{"\\u0073equence": 1, "data": "\xc3\xa4", "timestamp": 1e0}',
        b'{"sequence": 7, "data": "first", "timestamp": 1, "sequence": 1, "data": "\xc3\xa4"}',
        PACKET.ljust(200_000),
    ],
    ids=["spaces", "escapes", "the last of equal names counts", "a long tail"],
)
async def test_json(client: DescribedClient, call_id: str, raw: bytes) -> None:
    assert (await client.send(f"/v1/call/stream/{call_id}", raw)).status == 202
    assert await stored(client, call_id) == [(1, "ä")]


async def test_minus_zero_is_zero(client: DescribedClient, call_id: str) -> None:
    raw = b'{"sequence": -0, "data": "", "timestamp": -0.0}'
    answer = await client.send(f"/v1/call/stream/{call_id}", raw)
    assert (answer.status, answer.json["sequence"]) == (202, 0)


async def test_chunks(service: RunningService, client: DescribedClient, call_id: str) -> None:
    path = f"/v1/call/stream/{call_id}"
    chunked = b"".join(b"1;x=y\r\n" + PACKET[at : at + 1] + b"\r\n" for at in range(len(PACKET)))
    headers = ("Content-Type: application/json", "Transfer-Encoding: chunked")
    sent = request_bytes("POST", path, *headers, body=chunked + b"0\r\nTrailer: x\r\n\r\n")
    answer = await exchange(service, sent)
    client.description.check("POST", path, answer)
    assert answer.status == 202
    assert await stored(client, call_id) == [(1, "ä")]


async def test_requests_one_after_the_other_on_one_connection(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    """The second is sent before the first, which is refused, is answered."""

    def request(body: bytes) -> bytes:
        headers = ("Content-Type: application/json", f"Content-Length: {len(body)}")
        return request_bytes("POST", f"/v1/call/stream/{call_id}", *headers, body=body)

    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(service.host, service.port)
        writer.write(request(b"{") + request(PACKET))
        statuses = [(await read_answer(reader)).status for _ in range(2)]
        writer.close()
    assert statuses == [400, 202]
    assert await stored(client, call_id) == [(1, "ä")]

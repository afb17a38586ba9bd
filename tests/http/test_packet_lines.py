"""Packets as lines of NDJSON: all of a body is taken, or nothing."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import orjson
import pytest

from entrypoints.http.packet_lines import MAX_LINES_BYTES
from tests.http import life_cycle
from tests.http.answer import Answer, assert_problem
from tests.http.described_client import DescribedClient
from tests.http.raw_http import exchange, read_answer, request_bytes
from tests.http.running_service import RunningService

NDJSON = "application/x-ndjson"
AUDIO = {"encoding": "audio/x-mulaw", "sample_rate_hz": 8000, "channels": 1}


def line(sequence: Any, data: Any = "text", **fields: Any) -> bytes:
    return orjson.dumps({"sequence": sequence, "data": data, "timestamp": 1.5, **fields})


async def send(client: DescribedClient, call_id: str, *lines: bytes, **headers: str) -> Answer:
    path, raw = f"/v1/call/stream/{call_id}", b"\n".join(lines) + b"\n"
    return await client.send(path, raw, **{"Content_Type": NDJSON, **headers})


async def test_the_receipt(client: DescribedClient, call_id: str) -> None:
    """It starts the call, as a lone packet does."""
    answer = await send(client, call_id, line(1), line(2), line(5), line(7, stream="agent"), line(2))
    assert answer.status == 202
    assert answer.json == {
        "status": "accepted",
        "call_id": call_id,
        "accepted": 4,
        "duplicates": 1,
        "streams": [
            {"stream": "main", "through": 5, "next_expected": 6, "missing": [[3, 4]]},
            {"stream": "agent", "through": 7, "next_expected": 8, "missing": [[1, 6]]},
        ],
    }
    call = await client.call(call_id)
    assert [event["event"] for event in call["history"]] == ["call_started"]
    assert [(stream["stream"], stream["received"]) for stream in call["streams"]] == [
        ("agent", 1),
        ("main", 3),
    ]


async def test_the_same_lines_again_are_duplicates(client: DescribedClient, call_id: str) -> None:
    for accepted in (3, 0):
        answer = await send(client, call_id, line(1), line(2), line(3))
        assert (answer.json["accepted"], answer.json["duplicates"]) == (accepted, 3 - accepted)
    assert (await client.call(call_id))["streams"][0]["duplicates"] == 3


async def test_a_thousand_lines(client: DescribedClient, call_id: str) -> None:
    answer = await send(client, call_id, *(line(sequence) for sequence in range(1, 1_001)))
    assert answer.status == 202
    (stream,) = (await client.call(call_id))["streams"]
    assert (stream["received"], stream["missing"]) == (1_000, [])


async def test_the_largest_body(client: DescribedClient, call_id: str) -> None:
    raw = b"\n".join(line(sequence, "x" * 65_000) for sequence in range(1, 65))
    raw += b" " * (MAX_LINES_BYTES - len(raw))
    answer = await client.send(f"/v1/call/stream/{call_id}", raw, Content_Type=NDJSON)
    assert (answer.status, answer.json["accepted"]) == (202, 64)


async def test_lines_of_many_senders_at_once(client: DescribedClient, call_id: str) -> None:
    answers = await asyncio.gather(
        *(send(client, call_id, *map(line, range(first, first + 50))) for first in range(1, 1_001, 50))
    )
    assert {(answer.status, answer.json["accepted"]) for answer in answers} == {(202, 50)}
    assert (await client.call(call_id))["streams"][0]["received"] == 1_000


@pytest.mark.usefixtures("nothing_stored")
async def test_every_bad_line_is_named(client: DescribedClient, call_id: str) -> None:
    answer = await send(
        client,
        call_id,
        line(1),
        line("2"),
        b"[]",
        line(4),
        line(5, colour="red", stream="a b"),
        orjson.dumps({"sequence": 6, "data": "text"}),
        line(2**53),
    )
    assert_problem(answer, 422, "2.sequence", "3", "5.stream", "5.colour", "6.timestamp", "7.sequence")


@pytest.mark.usefixtures("nothing_stored")
async def test_what_the_call_refuses_is_named_by_line(client: DescribedClient, call_id: str) -> None:
    answer = await send(client, call_id, line(1), line(2, "a\0b"), line(3), line(4, "\0"))
    assert_problem(answer, 422, "2.data", "4.data")
    assert answer.json["type"] == "urn:trunkline:problem:delivery-refused"


async def test_one_line_alone_is_named_as_well(client: DescribedClient, call_id: str) -> None:
    assert_problem(await send(client, call_id, line(1, "\0")), 422, "1.data")
    await client.packet(call_id, 1)
    assert_problem(await send(client, call_id, line(1, "other")), 409, "1")


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_a_conflict_anywhere_refuses_all(client: DescribedClient, call_id: str, place: int) -> None:
    await client.packet(call_id, 9, "first")
    before = await client.call(call_id)
    lines = [line(1), line(2)]
    lines.insert(place, line(9, "other"))
    answer = await send(client, call_id, *lines)
    assert_problem(answer, 409, str(place + 1))
    assert await client.call(call_id) == before
    assert len((await client.get(f"/v1/calls/{call_id}/packets")).json["packets"]) == 1


async def test_a_conflict_within_the_lines_refuses_all(client: DescribedClient, call_id: str) -> None:
    assert_problem(await send(client, call_id, line(1), line(2), line(1, "other")), 409, "3")
    assert (await client.get(f"/v1/calls/{call_id}")).status == 404


async def test_a_bad_value_weighs_more_than_a_conflict(client: DescribedClient, call_id: str) -> None:
    await client.init(call_id, media=AUDIO)
    await send(client, call_id, line(1, "AAAA"))
    answer = await send(client, call_id, line(1, "BBBB"), line(2, "not base64"))
    assert_problem(answer, 422, "1", "2.data")


async def test_a_call_that_is_past_completed(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    await client.packet(call_id, 1)
    await client.complete(call_id)
    assert (await send(client, call_id, line(2), line(3))).status == 202
    life_cycle.change(service, call_id, life_cycle.archive)
    before = await client.call(call_id)
    assert_problem(await send(client, call_id, line(4), line(5)), 409, "1", "2")
    assert await client.call(call_id) == before


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(
    ("raw", "where"),
    [
        (b"", ""),
        (b" ", ""),
        (b"\n", "line 1"),
        (line(1) + b"\n\n" + line(2), "line 2"),
        (line(1) + b"\n" + line(2)[:-1], "line 2"),
        (line(1) + line(2), "line 1"),
        (b"[" + line(1) + b",\n" + line(2) + b"]", "line 1"),
        (line(1) + b"\n\xff\n", "line 2"),
        (gzip.compress(line(1), mtime=0), "line 1"),
    ],
)
async def test_what_is_no_json(client: DescribedClient, call_id: str, raw: bytes, where: str) -> None:
    answer = await client.send(f"/v1/call/stream/{call_id}", raw, Content_Type=NDJSON)
    assert_problem(answer, 400)
    assert where in answer.json["detail"]


@pytest.mark.usefixtures("nothing_stored")
async def test_too_many_lines(client: DescribedClient, call_id: str) -> None:
    answer = await send(client, call_id, *(line(sequence) for sequence in range(1_001)))
    assert_problem(answer, 413)
    assert answer.json["type"] == "urn:trunkline:problem:too-many-lines"


@pytest.mark.usefixtures("nothing_stored")
async def test_data_that_is_too_large_is_named_by_line(client: DescribedClient, call_id: str) -> None:
    assert_problem(await send(client, call_id, line(1), line(2, "x" * 65_537)), 413, "2.data")


@pytest.mark.usefixtures("nothing_stored")
async def test_a_body_that_is_too_large_is_refused_before_it_is_sent(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    path = f"/v1/call/stream/{call_id}"
    length = f"Content-Length: {MAX_LINES_BYTES + 1}"
    answer = await exchange(service, request_bytes("POST", path, f"Content-Type: {NDJSON}", length))
    client.description.check("POST", path, answer)
    assert_problem(answer, 413)


@pytest.mark.usefixtures("nothing_stored")
async def test_a_body_that_is_too_large_and_does_not_say_so(client: DescribedClient, call_id: str) -> None:
    answer = await client.send(
        f"/v1/call/stream/{call_id}", b" " * (MAX_LINES_BYTES + 1), Content_Type=NDJSON
    )
    assert_problem(answer, 413)


@pytest.mark.usefixtures("nothing_stored")
@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Encoding": "gzip"},
        {"Content_Type": f"{NDJSON}; charset=iso-8859-1"},
        {"Content_Type": "application/ndjson"},
        {"Content_Type": "application/jsonl"},
        {"Content_Type": "text/plain"},
    ],
)
async def test_another_encoding_or_type(
    client: DescribedClient, call_id: str, headers: dict[str, str]
) -> None:
    assert_problem(await send(client, call_id, line(1), **headers), 415)


@pytest.mark.parametrize("content_type", [f"{NDJSON}; charset=utf-8", "APPLICATION/X-NDJSON"])
async def test_a_type_in_other_words(client: DescribedClient, call_id: str, content_type: str) -> None:
    assert (await send(client, call_id, line(1), Content_Type=content_type)).status == 202


@pytest.mark.usefixtures("nothing_stored")
async def test_lines_for_what_no_call_can_be_called(client: DescribedClient) -> None:
    assert_problem(await send(client, "a%20b", line(1)), 422, "call_id")


async def test_a_client_that_waits_to_be_asked(service: RunningService, call_id: str) -> None:
    body = b"\n".join(line(sequence, "x" * 2_000) for sequence in range(1, 1_001))
    assert 1024 * 1024 < len(body) < MAX_LINES_BYTES
    headers = (f"Content-Type: {NDJSON}", f"Content-Length: {len(body)}", "Expect: 100-continue")
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(service.host, service.port)
        writer.write(request_bytes("POST", f"/v1/call/stream/{call_id}", *headers))
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(body)
        assert (await read_answer(reader)).json["accepted"] == 1_000
        writer.close()
        await writer.wait_closed()

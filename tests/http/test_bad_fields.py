"""Fields of the wrong type, out of range, missing or unknown. Nothing is coerced, and none leaves a row."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.answer import assert_problem
from tests.http.described_client import DescribedClient

pytestmark = pytest.mark.usefixtures("nothing_stored")

PACKET = {"sequence": 1, "data": "text", "timestamp": 1.5, "stream": "main"}
MULAW = {"encoding": "audio/x-mulaw", "sample_rate_hz": 8000, "channels": 1}
NOT_A_STRING: list[Any] = [None, 1, 1.5, True, [], {}, ["text"]]
NOT_A_NUMBER: list[Any] = [None, "1", "", True, False, [], {}, [1]]
DEEP: Any = 1
for _ in range(200):
    DEEP = {"a": [DEEP]}


@pytest.mark.parametrize(
    "sequence", [*NOT_A_NUMBER, "5", 5.0, 1.5, -1, -(2**63), 2**53, 2**63, 2**64, 10**30, DEEP]
)
async def test_sequence(client: DescribedClient, call_id: str, sequence: Any) -> None:
    assert_problem(await client.packet(call_id, sequence), 422, "sequence")


@pytest.mark.parametrize("literal", ["1e2", "1.0", "1E0", "-0.0", "18446744073709551616"])
async def test_numbers_that_are_written_as_no_integers(
    client: DescribedClient, call_id: str, literal: str
) -> None:
    raw = f'{{"sequence": {literal}, "data": "text", "timestamp": 1}}'.encode()
    assert_problem(await client.send(f"/v1/call/stream/{call_id}", raw), 422, "sequence")


@pytest.mark.parametrize("timestamp", [*NOT_A_NUMBER, "2026-01-01T00:00:00Z", DEEP])
async def test_timestamp(client: DescribedClient, call_id: str, timestamp: Any) -> None:
    assert_problem(await client.packet(call_id, 1, timestamp=timestamp), 422, "timestamp")


@pytest.mark.parametrize("data", [*NOT_A_STRING, "a\0b", DEEP])
async def test_data(client: DescribedClient, call_id: str, data: Any) -> None:
    assert_problem(await client.packet(call_id, 1, data), 422, "data")


@pytest.mark.parametrize("data", ["x" * 65537, "é" * 32769, "\U0001f600" * 16385, "A" * 65540])
async def test_data_that_is_too_large(client: DescribedClient, call_id: str, data: str) -> None:
    assert_problem(await client.packet(call_id, 1, data), 413, "data")


@pytest.mark.parametrize(
    "stream", [*NOT_A_STRING, "", "a" * 65, "a b", "a/b", "ä", "a\n", "main\n", "\0", "a\0", "a\u2028", DEEP]
)
async def test_stream(client: DescribedClient, call_id: str, stream: Any) -> None:
    assert_problem(await client.packet(call_id, 1, stream=stream), 422, "stream")


@pytest.mark.parametrize("field", ["sequence", "data", "timestamp"])
async def test_a_packet_that_lacks_a_field(client: DescribedClient, call_id: str, field: str) -> None:
    body = {name: value for name, value in PACKET.items() if name != field}
    assert_problem(await client.post(f"/v1/call/stream/{call_id}", body), 422, field)


@pytest.mark.parametrize("field", ["extra", "call_id", "Sequence", "sequence ", "", "data\0", "__class__"])
async def test_a_packet_with_an_unknown_field(client: DescribedClient, call_id: str, field: str) -> None:
    answer = await client.post(f"/v1/call/stream/{call_id}", PACKET | {field: 1})
    assert_problem(answer, 422, field)


async def test_every_bad_field_is_named_at_once(client: DescribedClient, call_id: str) -> None:
    body = {"sequence": "1", "data": 2, "stream": "a b", "colour": "red"}
    answer = await client.post(f"/v1/call/stream/{call_id}", body)
    assert answer.status == 422
    named = {error["path"] for error in answer.json["errors"]}
    assert named == {"sequence", "data", "timestamp", "stream", "colour"}


BAD_IDS = ["", "a" * 129, "a/b", "a b", "a#b", "ä", "٣", "a\n", "c-1\n", "\0", "a\0", "a" * 100_000, DEEP]


@pytest.mark.parametrize("given", [*NOT_A_STRING, *BAD_IDS])
async def test_call_id_of_an_init(client: DescribedClient, given: Any) -> None:
    assert_problem(await client.post("/v1/call/init", {"call_id": given}), 422, "call_id")


@pytest.mark.parametrize("body", [{}, {"metadata": {}}])
async def test_an_init_without_call_id(client: DescribedClient, body: dict[str, Any]) -> None:
    assert_problem(await client.post("/v1/call/init", body), 422, "call_id")


@pytest.mark.parametrize(
    ("media", "path"),
    [
        ("audio/x-mulaw", "media"),
        ([], "media"),
        (1, "media"),
        ({}, "media.encoding"),
        ({"encoding": None}, "media.encoding"),
        ({"encoding": "audio/mp3"}, "media.encoding"),
        ({"encoding": "AUDIO/L16"}, "media.encoding"),
        ({"encoding": 1}, "media.encoding"),
        ({"encoding": ["text/plain"]}, "media.encoding"),
        ({"encoding": "audio/l16", "channels": 1}, "media.sample_rate_hz"),
        ({"encoding": "audio/l16", "sample_rate_hz": 8000}, "media.channels"),
        ({"encoding": "text/plain", "sample_rate_hz": 8000}, "media.sample_rate_hz"),
        ({"encoding": "text/plain", "channels": 1}, "media.channels"),
        (MULAW | {"sample_rate_hz": "8000"}, "media.sample_rate_hz"),
        (MULAW | {"sample_rate_hz": 8000.0}, "media.sample_rate_hz"),
        (MULAW | {"sample_rate_hz": True}, "media.sample_rate_hz"),
        (MULAW | {"sample_rate_hz": None}, "media.sample_rate_hz"),
        (MULAW | {"sample_rate_hz": 0}, "media.sample_rate_hz"),
        (MULAW | {"sample_rate_hz": 3999}, "media.sample_rate_hz"),
        (MULAW | {"sample_rate_hz": 192_001}, "media.sample_rate_hz"),
        (MULAW | {"sample_rate_hz": 2**63}, "media.sample_rate_hz"),
        (MULAW | {"channels": 0}, "media.channels"),
        (MULAW | {"channels": 9}, "media.channels"),
        (MULAW | {"channels": -1}, "media.channels"),
        (MULAW | {"channels": 1.0}, "media.channels"),
        (MULAW | {"codec": "pcmu"}, "media.codec"),
        (MULAW | {"channels": DEEP}, "media.channels"),
    ],
)
async def test_media(client: DescribedClient, call_id: str, media: Any, path: str) -> None:
    assert_problem(await client.init(call_id, media=media), 422, path)


@pytest.mark.parametrize(
    ("metadata", "path"),
    [
        ("text", "metadata"),
        ([], "metadata"),
        ([["a", "b"]], "metadata"),
        (1, "metadata"),
        ({"a": 1}, "metadata.a"),
        ({"a": None}, "metadata.a"),
        ({"a": True}, "metadata.a"),
        ({"a": {"b": "c"}}, "metadata.a"),
        ({"a": DEEP}, "metadata.a"),
        ({"a": "x" * 4097}, "metadata.a"),
        ({"a": "b\0"}, "metadata.a"),
        ({"": "b"}, "metadata."),
        ({"a\0": "b"}, "metadata"),
        ({"k" * 129: "b"}, "metadata." + "k" * 129),
        ({str(number): "x" for number in range(65)}, "metadata"),
    ],
)
async def test_metadata(client: DescribedClient, call_id: str, metadata: Any, path: str) -> None:
    answer = await client.init(call_id, metadata=metadata)
    assert answer.status == 422, answer.body
    assert [error["path"] for error in answer.json["errors"]] == [path]


@pytest.mark.parametrize(
    "given", ["a%2Fb", "a%20b", "%C3%A4", "c-1%0A", "a%00b", "a" * 129, "x" * 9_000, "%FF", "%"]
)
async def test_call_id_of_a_packet(client: DescribedClient, given: str) -> None:
    assert_problem(await client.packet(given, 1), 422, "call_id")


@pytest.mark.parametrize(
    ("final_sequence", "path"),
    [
        (None, "final_sequence"),
        ([], "final_sequence"),
        (5, "final_sequence"),
        ("main", "final_sequence"),
        ({"main": "5"}, "final_sequence.main"),
        ({"main": 5.0}, "final_sequence.main"),
        ({"main": True}, "final_sequence.main"),
        ({"main": None}, "final_sequence.main"),
        ({"main": -1}, "final_sequence.main"),
        ({"main": 2**53}, "final_sequence.main"),
        ({"main": 2**63}, "final_sequence.main"),
        ({"main": DEEP}, "final_sequence.main"),
    ],
)
async def test_final_sequence(client: DescribedClient, call_id: str, final_sequence: Any, path: str) -> None:
    answer = await client.post(f"/v1/call/complete/{call_id}", {"final_sequence": final_sequence})
    assert_problem(answer, 422, path)


@pytest.mark.parametrize("field", ["final", "Final_sequence", "final_sequence\n"])
async def test_a_completion_with_an_unknown_field(client: DescribedClient, call_id: str, field: str) -> None:
    assert_problem(await client.post(f"/v1/call/complete/{call_id}", {field: {}}), 422, field)


async def test_a_request_id_is_taken_over_where_it_is_one(client: DescribedClient, call_id: str) -> None:
    for given, is_taken in (("trace-1", True), ("a b", False), ("x" * 129, False), ("{}", False)):
        answer = await client.request(
            "POST", f"/v1/call/stream/{call_id}", json={}, headers={"X-Request-ID": given}
        )
        assert (answer.headers["X-Request-ID"] == given) == is_taken
        assert_problem(answer, 422, "sequence", "data", "timestamp")

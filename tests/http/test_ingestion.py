"""A call's packets, as a PBX sends them."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from tests.http.answer import assert_problem
from tests.http.described_client import DescribedClient

AUDIO = {"encoding": "audio/x-mulaw", "sample_rate_hz": 8000, "channels": 1}


async def test_init_starts_a_call_once(client: DescribedClient, call_id: str) -> None:
    metadata = {"from": "+15551234", "to": "200"}
    first = await client.init(call_id, media=AUDIO, metadata=metadata)
    again = await client.init(call_id, media=AUDIO, metadata=metadata)
    assert (first.status, again.status) == (201, 200)
    assert first.json == again.json == {"status": "started", "call_id": call_id, "state": "IN_PROGRESS"}
    call = await client.call(call_id)
    assert call["media"] == AUDIO
    assert call["metadata"] == metadata
    assert [event["event"] for event in call["history"]] == ["call_started"]


@pytest.mark.parametrize(
    "other",
    [
        {"media": AUDIO | {"sample_rate_hz": 16000}},
        {"media": AUDIO | {"channels": 2}},
        {"media": AUDIO | {"encoding": "audio/x-alaw"}},
        {"media": {"encoding": "text/plain"}},
        {"media": AUDIO},
        {"media": AUDIO, "metadata": {"from": "other"}},
        {"media": AUDIO, "metadata": {"from": "1", "to": "2"}},
        {},
    ],
)
async def test_init_that_differs_is_a_conflict(
    client: DescribedClient, call_id: str, other: dict[str, Any]
) -> None:
    await client.init(call_id, media=AUDIO, metadata={"from": "1"})
    before = await client.call(call_id)
    assert_problem(await client.init(call_id, **other), 409)
    assert await client.call(call_id) == before


@pytest.mark.parametrize(
    "fields",
    [
        {"media": None, "metadata": None},
        {"media": {"encoding": "text/plain"}},
        {"media": {"encoding": "text/plain", "sample_rate_hz": None, "channels": None}},
        {"metadata": {}},
    ],
)
async def test_what_is_left_out_is_text_without_metadata(
    client: DescribedClient, call_id: str, fields: dict[str, Any]
) -> None:
    assert (await client.init(call_id)).status == 201
    assert (await client.init(call_id, **fields)).status == 200


async def test_a_packet_of_an_unknown_call_starts_it(client: DescribedClient, call_id: str) -> None:
    answer = await client.packet(call_id, 1)
    assert answer.status == 202
    call = await client.call(call_id)
    assert call["state"] == "IN_PROGRESS"
    assert call["media"] == {"encoding": "text/plain", "sample_rate_hz": None, "channels": None}
    assert (await client.init(call_id)).status == 200
    assert_problem(await client.init(call_id, media=AUDIO), 409)


async def test_the_receipt_says_what_is_missing(client: DescribedClient, call_id: str) -> None:
    answer = await client.packet(call_id, 5)
    assert answer.json == {
        "status": "accepted",
        "call_id": call_id,
        "stream": "main",
        "sequence": 5,
        "next_expected": 6,
        "missing": [[1, 4]],
    }
    answer = await client.packet(call_id, 2)
    assert answer.json["next_expected"] == 6
    assert answer.json["missing"] == [[1, 1], [3, 4]]


async def test_the_same_packet_again_is_a_duplicate(client: DescribedClient, call_id: str) -> None:
    first = await client.packet(call_id, 1, "same")
    again = await client.packet(call_id, 1, "same", timestamp=99)
    assert again.status == 202
    assert again.json == first.json | {"status": "duplicate"}
    packets = (await client.get(f"/v1/calls/{call_id}/packets")).json["packets"]
    assert packets == [{"stream": "main", "sequence": 1, "timestamp": 1.5, "data": "same"}]


async def test_duplicates_are_counted_in_their_stream_and_conflicts_are_not(
    client: DescribedClient, call_id: str
) -> None:
    for stream in ("agent", "main"):
        await client.packet(call_id, 1, "same", stream=stream)
    for data in ("same", "other", "same"):
        await client.packet(call_id, 1, data)
    streams = (await client.call(call_id))["streams"]
    assert [(stream["stream"], stream["received"], stream["duplicates"]) for stream in streams] == [
        ("agent", 1, 0),
        ("main", 1, 2),
    ]


async def test_other_bytes_under_a_number_are_a_conflict(client: DescribedClient, call_id: str) -> None:
    await client.packet(call_id, 1, "first")
    assert_problem(await client.packet(call_id, 1, "second"), 409)
    packets = (await client.get(f"/v1/calls/{call_id}/packets")).json["packets"]
    assert [packet["data"] for packet in packets] == ["first"]


async def test_zero_is_accepted_as_a_first_and_never_missed(client: DescribedClient, call_id: str) -> None:
    assert (await client.packet(call_id, 2)).json["missing"] == [[1, 1]]
    zero = await client.packet(call_id, 0)
    assert zero.json["status"] == "accepted"
    assert zero.json["next_expected"] == 3


async def test_only_a_zero_makes_one_the_next(client: DescribedClient, call_id: str) -> None:
    answer = await client.packet(call_id, 0)
    assert (answer.json["next_expected"], answer.json["missing"]) == (1, [])


async def test_the_first_32_gaps_are_named(client: DescribedClient, call_id: str) -> None:
    for sequence in range(2, 80, 2):
        await client.packet(call_id, sequence)
    answer = await client.packet(call_id, 80)
    assert answer.json["missing"] == [[gap, gap] for gap in range(1, 65, 2)]
    assert answer.json["next_expected"] == 81


async def test_the_largest_sequence(client: DescribedClient, call_id: str) -> None:
    answer = await client.packet(call_id, 2**53 - 1)
    assert answer.status == 202
    assert answer.json["next_expected"] == 2**53
    assert answer.json["missing"] == [[1, 2**53 - 2]]


async def test_streams_are_counted_apart(client: DescribedClient, call_id: str) -> None:
    await client.packet(call_id, 3)
    answer = await client.packet(call_id, 1, stream="leg-2#a")
    assert answer.json["stream"] == "leg-2#a"
    assert (answer.json["next_expected"], answer.json["missing"]) == (2, [])
    assert [stream["stream"] for stream in (await client.call(call_id))["streams"]] == ["leg-2#a", "main"]


@pytest.mark.parametrize("timestamp", [0, -1, 1700000000, 1700000000.02, 1e300, 2**60])
async def test_any_finite_number_is_a_timestamp(
    client: DescribedClient, call_id: str, timestamp: float
) -> None:
    assert (await client.packet(call_id, 1, timestamp=timestamp)).status == 202
    packets = (await client.get(f"/v1/calls/{call_id}/packets")).json["packets"]
    assert packets[0]["timestamp"] == timestamp


@pytest.mark.parametrize("given", ["A", "A" * 128, "..", "azAZ09._:@-", "-", "sip:1234@pbx.example"])
async def test_ids_of_every_permitted_shape(client: DescribedClient, given: str) -> None:
    assert (await client.init(given)).status == 201
    assert (await client.packet(given.replace(".", "%2E"), 1)).status == 202
    assert (await client.call(given.replace(".", "%2E")))["call_id"] == given


async def test_the_largest_data(client: DescribedClient, call_id: str) -> None:
    assert (await client.packet(call_id, 1, "x" * 65536)).status == 202
    assert (await client.packet(call_id, 2, "é" * 32768)).status == 202
    await client.init(call_id + "a", media=AUDIO)
    assert (await client.packet(call_id + "a", 1, base64.b64encode(bytes(49152)).decode())).status == 202


async def test_the_most_metadata(client: DescribedClient, call_id: str) -> None:
    metadata = {f"{number:0>128}": "x" * 4096 for number in range(64)}
    assert (await client.init(call_id, metadata=metadata)).status == 201
    assert (await client.call(call_id))["metadata"] == metadata


async def test_packets_at_once_share_a_call_and_none_is_lost(client: DescribedClient, call_id: str) -> None:
    answers = await asyncio.gather(*(client.packet(call_id, sequence) for sequence in range(1, 101)))
    assert {answer.status for answer in answers} == {202}
    (stream,) = (await client.call(call_id))["streams"]
    assert stream == {
        "stream": "main",
        "received": 100,
        "duplicates": 0,
        "next_expected": 101,
        "missing": [],
        "duration_seconds": None,
    }


async def test_one_start_wins_of_many_at_once(client: DescribedClient, call_id: str) -> None:
    answers = await asyncio.gather(*(client.init(call_id) for _ in range(10)))
    assert sorted(answer.status for answer in answers) == [200] * 9 + [201]

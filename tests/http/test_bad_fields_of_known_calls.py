"""Bad fields that only show against the call that they are for. The call stays as it was."""

from __future__ import annotations

from typing import Any

import pytest

from domain.audio_stream import MAX_RANGES
from domain.call import Call
from domain.stream_names import MAX_STREAMS
from tests.http.answer import assert_problem
from tests.http.database_rows import nothing_left
from tests.http.described_client import DescribedClient
from tests.http.life_cycle import change
from tests.http.running_service import RunningService

L16 = {"encoding": "audio/l16", "sample_rate_hz": 8000, "channels": 2}


@pytest.mark.parametrize(
    "data",
    [
        "text!",
        "AAAA=",
        "AAA",
        "AAAAA",
        "AAAA AAAA",
        "AAAA\n",
        "=AAA",
        "A=AA",
        "____",
        "ÄÄÄÄ",
        "AAB=",
        "AB==",
        "AAAAAB==",
        "AAAAAAAAAAB=",
        "AA==AAAA",
        "AAA=",
        "AAAAAAA=",
        "\0",
    ],
)
async def test_base64_that_is_bad_or_no_whole_frames(
    service: RunningService, client: DescribedClient, call_id: str, data: str
) -> None:
    await client.init(call_id, media=L16)
    with nothing_left(service):
        assert_problem(await client.packet(call_id, 1, data), 422, "data")
    assert (await client.call(call_id))["streams"] == []
    assert (await client.packet(call_id, 1, "AAAAAA==")).status == 202


async def test_more_streams_than_a_call_has(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    for number in range(MAX_STREAMS):
        assert (await client.packet(call_id, 1, stream=f"s{number}")).status == 202
    with nothing_left(service):
        assert_problem(await client.packet(call_id, 1, stream="one-more"), 422, "stream")
    assert (await client.packet(call_id, 2, stream="s0")).status == 202


async def test_more_gaps_than_a_stream_has(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    await client.packet(call_id, 1)

    def lose_every_other(call: Call, at: object) -> None:
        for sequence in range(3, 2 * MAX_RANGES, 2):
            call.streams["main"].add(sequence, 0)

    change(service, call_id, lose_every_other)
    with nothing_left(service):
        assert_problem(await client.packet(call_id, 10**9), 422, "sequence")
    filled = await client.packet(call_id, 2)
    assert filled.status == 202
    assert filled.json["missing"][0] == [4, 4]


@pytest.mark.parametrize(
    ("final_sequence", "path"),
    [
        ({"a b": 1}, "final_sequence"),
        ({"": 1}, "final_sequence"),
        ({"main\n": 1}, "final_sequence"),
        ({"\0": 1}, "final_sequence"),
        ({"a" * 65: 1}, "final_sequence"),
        ({f"s{number}": 1 for number in range(MAX_STREAMS + 1)}, "final_sequence"),
    ],
)
async def test_streams_that_a_completion_cannot_name(
    service: RunningService, client: DescribedClient, call_id: str, final_sequence: Any, path: str
) -> None:
    await client.packet(call_id, 1)
    with nothing_left(service):
        answer = await client.post(f"/v1/call/complete/{call_id}", {"final_sequence": final_sequence})
        assert answer.status == 422, answer.body
        assert [error["path"].partition(".")[0] for error in answer.json["errors"]] == [path]
    assert (await client.call(call_id))["state"] == "IN_PROGRESS"


async def test_bad_fields_among_good_packets_harm_nobody(client: DescribedClient, call_id: str) -> None:
    await client.init(call_id, media=L16)
    assert (await client.packet(call_id, 1, "AAAA" * 4)).status == 202
    assert_problem(await client.packet(call_id, 2, "no base64"), 422, "data")
    assert (await client.packet(call_id, 2, "AAAA" * 4)).status == 202

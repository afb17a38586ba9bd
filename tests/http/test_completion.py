"""The end of a call, as a PBX tells it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.http.answer import assert_problem
from tests.http.database_rows import row_counts
from tests.http.described_client import DescribedClient
from tests.http.raw_http import exchange, request_bytes
from tests.http.running_service import RunningService


def seconds_until_due(call: dict[str, Any]) -> float:
    due, completed = (datetime.fromisoformat(call[field]) for field in ("next_run_at", "completed_at"))
    return (due - completed).total_seconds()


async def test_without_a_body(client: DescribedClient, call_id: str) -> None:
    await client.packet(call_id, 1)
    answer = await client.complete(call_id)
    assert answer.status == 202
    assert answer.json == {"status": "completed", "call_id": call_id, "state": "COMPLETED", "missing": {}}
    call = await client.call(call_id)
    assert call["state"] == "COMPLETED"
    assert seconds_until_due(call) == 2
    assert [event["event"] for event in call["history"]] == ["call_started", "call_completed"]


@pytest.mark.parametrize(
    ("raw", "headers"),
    [
        (b"{}", {"Content-Type": "application/json"}),
        (b'{"final_sequence": {}}', {"Content-Type": "application/json"}),
        (b"", {"Content-Type": "application/json"}),
        (b"", {"Content-Type": "text/plain"}),
        (b"", {}),
    ],
)
async def test_with_a_body_that_says_nothing(
    client: DescribedClient, call_id: str, raw: bytes, headers: dict[str, str]
) -> None:
    await client.packet(call_id, 1)
    answer = await client.request("POST", f"/v1/call/complete/{call_id}", data=raw, headers=headers)
    assert answer.status == 202
    assert answer.json["missing"] == {}


async def test_an_empty_chunked_body(service: RunningService, client: DescribedClient, call_id: str) -> None:
    await client.packet(call_id, 1)
    path = f"/v1/call/complete/{call_id}"
    answer = await exchange(
        service, request_bytes("POST", path, "Transfer-Encoding: chunked", body=b"0\r\n\r\n")
    )
    client.description.check("POST", path, answer)
    assert answer.status == 202


async def test_a_final_sequence_tells_what_is_missing(client: DescribedClient, call_id: str) -> None:
    for sequence in (1, 2, 4):
        await client.packet(call_id, sequence)
    await client.packet(call_id, 1, stream="whole")
    answer = await client.complete(call_id, main=6, whole=1, unseen=2)
    assert answer.json["missing"] == {"main": [[3, 3], [5, 6]], "unseen": [[1, 2]]}
    assert seconds_until_due(await client.call(call_id)) == 2


async def test_a_whole_call_is_due_at_once(client: DescribedClient, call_id: str) -> None:
    await client.packet(call_id, 1)
    assert (await client.complete(call_id, main=1)).json["missing"] == {}
    assert seconds_until_due(await client.call(call_id)) == 0


async def test_the_first_32_gaps_of_each_stream(client: DescribedClient, call_id: str) -> None:
    for sequence in range(2, 82, 2):
        await client.packet(call_id, sequence)
    missing = (await client.complete(call_id)).json["missing"]
    assert missing == {"main": [[gap, gap] for gap in range(1, 65, 2)]}


async def test_again_is_the_same_and_leaves_no_second_job(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    await client.packet(call_id, 2)
    first = await client.complete(call_id, main=2)
    rows, call = row_counts(service), await client.call(call_id)
    for again in (await client.complete(call_id, main=2), await client.complete(call_id)):
        assert (again.status, again.json) == (202, first.json)
    assert row_counts(service) == rows
    assert await client.call(call_id) == call


async def test_of_an_unknown_call(client: DescribedClient, call_id: str, nothing_stored: None) -> None:
    assert_problem(await client.complete(call_id), 404)


async def test_of_a_call_without_packets(client: DescribedClient, call_id: str) -> None:
    await client.init(call_id)
    assert (await client.complete(call_id)).json["state"] == "COMPLETED"


async def test_a_late_packet_is_taken_and_makes_the_call_whole(client: DescribedClient, call_id: str) -> None:
    await client.packet(call_id, 2)
    await client.complete(call_id, main=2)
    assert seconds_until_due(await client.call(call_id)) == 2
    late = await client.packet(call_id, 1)
    assert late.status == 202
    assert late.json["missing"] == []
    call = await client.call(call_id)
    assert call["streams"][0]["received"] == 2
    assert seconds_until_due(call) < 2


async def test_init_again_after_completion(client: DescribedClient, call_id: str) -> None:
    await client.init(call_id)
    await client.complete(call_id)
    answer = await client.init(call_id)
    assert (answer.status, answer.json["state"]) == (200, "COMPLETED")

"""What somebody asks who mends what failed: search, failures, waveforms, and reprocessing many."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from tests.http import life_cycle
from tests.http.answer import assert_problem
from tests.http.described_client import DescribedClient
from tests.http.life_cycle import change
from tests.http.running_service import RunningService
from tests.waiting import until_found

AUDIO = {"encoding": "audio/x-mulaw", "sample_rate_hz": 8000, "channels": 1}


async def fail(service: RunningService, client: DescribedClient, *call_ids: str) -> None:
    for call_id in call_ids:
        await client.init(call_id, metadata={"queue": "billing"})
        await client.complete(call_id)
        change(service, call_id, life_cycle.fail)


async def test_calls_are_searched_and_filtered_page_by_page(
    service: RunningService, client: DescribedClient
) -> None:
    await fail(service, client, "s-1", "s-2", "s-3")
    await client.init("s-4", metadata={"queue": "billing"})
    page = (await client.get("/v1/calls?search=BILL&state=FAILED&failure_reason=ai_refused&limit=2")).json
    assert [call["call_id"] for call in page["calls"]] == ["s-3", "s-2"]
    rest = await client.get(f"/v1/calls?search=BILL&state=FAILED&limit=2&after={page['next']}")
    assert [call["call_id"] for call in rest.json["calls"]] == ["s-1"]
    assert rest.json["next"] is None
    assert (await client.get("/v1/calls?search=s-4")).json["calls"][0]["call_id"] == "s-4"
    assert (await client.get("/v1/calls?search=%00%27%5C%26%21")).status == 200


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (f"/v1/calls?search={'x' * 201}", "search"),
        ("/v1/calls?failure_reason=bad_luck", "failure_reason"),
        ("/v1/calls/c-1/waveform?points=0", "points"),
        ("/v1/calls/c-1/waveform?points=4001", "points"),
        ("/v1/calls/c-1/waveform?points=many", "points"),
        ("/v1/calls/c-1/audio.wav?stream=a%2Fb", "stream"),
    ],
)
async def test_what_is_out_of_bounds_is_named(client: DescribedClient, path: str, field: str) -> None:
    assert_problem(await client.get(path), 422, field)


async def test_a_streams_waveform_and_its_sound_alone(client: DescribedClient, call_id: str) -> None:
    await client.init(call_id, media=AUDIO)
    for stream, sequence in (("a", 1), ("a", 3), ("b", 1)):
        await client.packet(call_id, sequence, "gICA/w==" if stream == "a" else "/////w==", stream=stream)
    waveform = (await client.get(f"/v1/calls/{call_id}/waveform?points=3")).json
    assert waveform["duration_seconds"] == 12 / 8000
    a, b = waveform["streams"]
    assert (a["stream"], a["gaps"]) == ("a", [[4 / 8000, 8 / 8000]])
    assert a["peaks"] == [pytest.approx(0.98, abs=0.01), 0, pytest.approx(0.98, abs=0.01)]
    assert (b["stream"], b["peaks"], b["gaps"]) == ("b", [0, 0, 0], [])
    alone = await client.get(f"/v1/calls/{call_id}/audio.wav?stream=b")
    both = await client.get(f"/v1/calls/{call_id}/audio.wav")
    assert len(both.body) - 44 == 2 * (len(alone.body) - 44)


async def test_what_there_is_no_waveform_of(client: DescribedClient, call_id: str) -> None:
    assert_problem(await client.get(f"/v1/calls/{call_id}/waveform"), 404)
    await client.packet(call_id, 1)
    assert_problem(await client.get(f"/v1/calls/{call_id}/waveform"), 409)
    await client.init(f"{call_id}-a", media=AUDIO)
    assert_problem(await client.get(f"/v1/calls/{call_id}-a/audio.wav?stream=none"), 404)


async def test_failures_are_grouped_and_mended_at_a_rate(
    service: RunningService, client: DescribedClient
) -> None:
    """In the background, and what forbids it is counted."""
    await fail(service, client, "f-1", "f-2", "f-3")
    (group,) = (await client.get("/v1/failures")).json["groups"]
    assert (group["reason"], group["example_detail"]) == ("ai_refused", life_cycle.FAILURE.detail)
    assert group["count"] >= 3
    assert group["newest_at"] == (await client.call("f-3"))["history"][-1]["at"]
    await client.init("f-live")
    started = await client.post(
        "/v1/reprocess", {"call_ids": ["f-1", "f-2", "f-2", "f-live", "f-none"], "per_second": 50}
    )
    assert (started.status, started.json["total"]) == (202, 4)
    await until_finished(client, started.json["batch_id"], {"total": 4, "done": 2, "refused": 2})
    listed = (await client.get("/v1/reprocess")).json["batches"][0]
    assert datetime.fromisoformat(listed.pop("created_at")).tzinfo is not None
    assert listed == {
        "batch_id": started.json["batch_id"],
        "per_second": 50,
        "failure_reason": None,
        "all_failed": False,
        "total": 4,
        "done": 2,
        "refused": 2,
        "finished": True,
    }
    assert (await client.call("f-1"))["state"] == "PROCESSING_AI"
    assert (await client.call("f-3"))["state"] == "FAILED"
    rest = await client.post("/v1/reprocess", {"failure_reason": "ai_refused", "per_second": 100})
    total = rest.json["total"]
    await until_finished(client, rest.json["batch_id"], {"total": total, "done": total, "refused": 0})
    assert (await client.get("/v1/failures")).json["groups"] == []
    none = await client.post("/v1/reprocess", {"all_failed": True})
    await until_finished(client, none.json["batch_id"], {"total": 0, "done": 0, "refused": 0})
    asked = {
        each["batch_id"]: (each["failure_reason"], each["all_failed"])
        for each in (await client.get("/v1/reprocess")).json["batches"]
    }
    assert asked[rest.json["batch_id"]] == ("ai_refused", False)
    assert asked[none.json["batch_id"]] == (None, True)


async def until_finished(client: DescribedClient, batch_id: str, expected: dict[str, int]) -> None:
    async def is_finished() -> bool:
        return bool((await client.get(f"/v1/reprocess/{batch_id}")).json["finished"])

    await until_found(is_finished)
    assert (await client.get(f"/v1/reprocess/{batch_id}")).json == expected | {"finished": True}


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({}, [""]),
        ({"call_ids": ["a"], "all_failed": True}, [""]),
        ({"failure_reason": "poison", "all_failed": True}, [""]),
        ({"all_failed": False}, [""]),
        ({"call_ids": []}, ["call_ids"]),
        ({"call_ids": ["a b"]}, ["call_ids.0"]),
        ({"call_ids": ["a", 5]}, ["call_ids.1"]),
        ({"call_ids": "abc"}, ["call_ids"]),
        ({"call_ids": {"a": 1}}, ["call_ids"]),
        ({"call_ids": ["a"] * 10_001}, ["call_ids"]),
        ({"all_failed": True, "per_second": 0}, ["per_second"]),
        ({"all_failed": True, "per_second": 101}, ["per_second"]),
        ({"all_failed": "yes"}, ["all_failed"]),
    ],
)
async def test_a_bad_request_to_reprocess_is_refused_by_its_field(
    client: DescribedClient, body: dict[str, object], paths: list[str]
) -> None:
    assert_problem(await client.post("/v1/reprocess", body), 422, *paths)


@pytest.mark.parametrize("batch_id", ["nonsense", "0b6f7d1e-5f0a-4f7c-9a53-2f8f3f1d8a3e"])
async def test_an_unknown_batch_is_not_found(client: DescribedClient, batch_id: str) -> None:
    assert_problem(await client.get(f"/v1/reprocess/{batch_id}"), 404)


async def test_two_at_once_may_ask_for_the_same(service: RunningService, client: DescribedClient) -> None:
    """Each call is reprocessed once; the other batch counts it as refused."""
    await fail(service, client, "twice")
    batches = await asyncio.gather(
        *(client.post("/v1/reprocess", {"call_ids": ["twice"], "per_second": 50}) for _ in range(2))
    )

    async def outcomes() -> list[tuple[int, int]]:
        paths = [f"/v1/reprocess/{batch.json['batch_id']}" for batch in batches]
        progress = [(await client.get(path)).json for path in paths]
        return sorted((each["done"], each["refused"]) for each in progress)

    async def are_finished() -> bool:
        return sum(map(sum, await outcomes())) == 2

    await until_found(are_finished)
    assert await outcomes() == [(0, 1), (1, 0)]

"""What the API shows of calls."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.http import life_cycle
from tests.http.answer import assert_problem
from tests.http.described_client import DescribedClient
from tests.http.life_cycle import change
from tests.http.running_service import RunningService

AUDIO = {"encoding": "audio/l16", "sample_rate_hz": 8000, "channels": 1}


def moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    assert at.tzinfo is not None
    assert abs((datetime.now(UTC) - at).total_seconds()) < 60
    return at


async def test_a_call_that_goes_on(client: DescribedClient, call_id: str) -> None:
    await client.init(call_id, metadata={"from": "1"})
    await client.packet(call_id, 1)
    await client.packet(call_id, 3)
    call = await client.call(call_id)
    assert moment(call.pop("started_at")) == moment(call["history"][0].pop("at"))
    assert call == {
        "call_id": call_id,
        "state": "IN_PROGRESS",
        "version": 1,
        "completed_at": None,
        "archived_at": None,
        "media": {"encoding": "text/plain", "sample_rate_hz": None, "channels": None},
        "metadata": {"from": "1"},
        "streams": [
            {
                "stream": "main",
                "received": 2,
                "duplicates": 0,
                "next_expected": 4,
                "missing": [[2, 2]],
                "duration_seconds": None,
            }
        ],
        "runs": 0,
        "next_run_at": None,
        "failure": None,
        "transcript": None,
        "transcript_reason": None,
        "segments": [],
        "summary": None,
        "sentiment": None,
        "history": [{"version": 1, "event": "call_started", "state": "IN_PROGRESS", "detail": {}}],
    }


async def test_how_long_audio_lasts(client: DescribedClient, call_id: str) -> None:
    await client.init(call_id, media=AUDIO)
    await client.packet(call_id, 1, "AAAA" * 400)
    (stream,) = (await client.call(call_id))["streams"]
    assert stream["duration_seconds"] == 0.075


async def test_missing_goes_up_to_the_final_sequence(client: DescribedClient, call_id: str) -> None:
    await client.packet(call_id, 1)
    await client.complete(call_id, main=3)
    (stream,) = (await client.call(call_id))["streams"]
    assert (stream["next_expected"], stream["missing"]) == (2, [[2, 3]])


async def test_an_archived_call(service: RunningService, client: DescribedClient, call_id: str) -> None:
    await client.packet(call_id, 1)
    await client.complete(call_id)
    change(service, call_id, life_cycle.archive)
    call = await client.call(call_id)
    assert call["state"] == "ARCHIVED"
    assert moment(call["started_at"]) <= moment(call["completed_at"]) <= moment(call["archived_at"])
    assert call["runs"] == 1
    assert call["next_run_at"] is None
    assert call["transcript"] == "Hello.\nGoodbye."
    assert call["segments"][0] == {
        "start_seconds": 0.0,
        "end_seconds": 1.0,
        "stream": "main",
        "text": "Hello.",
    }
    assert call["summary"] == "A greeting."
    assert call["sentiment"] == {"label": "positive", "score": 0.5}
    history = call["history"]
    assert [event["version"] for event in history] == [1, 2, 3, 4, 5]
    assert [(event["event"], event["state"]) for event in history] == [
        ("call_started", "IN_PROGRESS"),
        ("call_completed", "COMPLETED"),
        ("run_started", "PROCESSING_AI"),
        ("call_transcribed", "PROCESSING_AI"),
        ("call_archived", "ARCHIVED"),
    ]


async def test_a_failed_call(service: RunningService, client: DescribedClient, call_id: str) -> None:
    await client.packet(call_id, 1)
    await client.complete(call_id)
    change(service, call_id, life_cycle.fail)
    call = await client.call(call_id)
    assert call["state"] == "FAILED"
    assert call["failure"] == {"reason": "ai_refused", "detail": "HTTP 401 from the AI service"}


@pytest.mark.parametrize("route", ["", "/packets", "/audio.wav"])
async def test_of_an_unknown_call(client: DescribedClient, call_id: str, route: str) -> None:
    assert_problem(await client.get(f"/v1/calls/{call_id}{route}"), 404)


@pytest.mark.parametrize("how", [life_cycle.begin_run, life_cycle.archive, life_cycle.fail])
async def test_a_packet_for_a_call_past_completed_is_a_conflict(
    service: RunningService, client: DescribedClient, call_id: str, how: life_cycle.Change
) -> None:
    await client.packet(call_id, 1)
    await client.complete(call_id)
    change(service, call_id, how)
    before = await client.call(call_id)
    assert_problem(await client.packet(call_id, 2), 409)
    again = await client.complete(call_id)
    assert (again.status, again.json["state"]) == (202, before["state"])
    assert await client.call(call_id) == before


@pytest.mark.parametrize("how", [life_cycle.archive, life_cycle.fail])
async def test_reprocess_has_the_call_worked_on_again(
    service: RunningService, client: DescribedClient, call_id: str, how: life_cycle.Change
) -> None:
    await client.packet(call_id, 1)
    await client.complete(call_id)
    change(service, call_id, how)
    answer = await client.post(f"/v1/calls/{call_id}/reprocess")
    assert answer.status == 202
    assert answer.json == {"status": "reprocessing", "call_id": call_id, "state": "PROCESSING_AI"}
    call = await client.call(call_id)
    assert call["state"] == "PROCESSING_AI"
    assert call["next_run_at"] is not None
    assert call["archived_at"] is None
    assert call["failure"] is None
    assert_problem(await client.post(f"/v1/calls/{call_id}/reprocess"), 409)


async def test_reprocess_before_that_is_a_conflict(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    await client.packet(call_id, 1)
    assert_problem(await client.post(f"/v1/calls/{call_id}/reprocess"), 409)
    await client.complete(call_id)
    assert_problem(await client.post(f"/v1/calls/{call_id}/reprocess"), 409)
    change(service, call_id, life_cycle.begin_run)
    before = await client.call(call_id)
    assert_problem(await client.post(f"/v1/calls/{call_id}/reprocess"), 409)
    assert await client.call(call_id) == before


async def test_reprocess_of_an_unknown_call(
    client: DescribedClient, call_id: str, nothing_stored: None
) -> None:
    assert_problem(await client.post(f"/v1/calls/{call_id}/reprocess"), 404)


def shown(answer: Any) -> list[tuple[str, int, str]]:
    return [(packet["stream"], packet["sequence"], packet["data"]) for packet in answer["packets"]]


async def test_packets_come_as_they_were_sent(client: DescribedClient, call_id: str) -> None:
    for sequence, data in ((3, "smile \U0001f600\t\r\n"), (0, ""), (1, ' "quoted" \\ e\u0301')):
        await client.packet(call_id, sequence, data, timestamp=sequence + 0.02)
    answer = await client.get(f"/v1/calls/{call_id}/packets")
    assert answer.json == {
        "packets": [
            {"stream": "main", "sequence": 0, "timestamp": 0.02, "data": ""},
            {"stream": "main", "sequence": 1, "timestamp": 1.02, "data": ' "quoted" \\ e\u0301'},
            {"stream": "main", "sequence": 3, "timestamp": 3.02, "data": "smile \U0001f600\t\r\n"},
        ],
        "next": None,
    }


async def test_audio_packets_come_as_they_were_sent(client: DescribedClient, call_id: str) -> None:
    await client.init(call_id, media=AUDIO)
    await client.packet(call_id, 1, "+/8=")
    assert shown((await client.get(f"/v1/calls/{call_id}/packets")).json) == [("main", 1, "+/8=")]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
async def test_pages_of_packets_leave_no_gap_and_repeat_nothing(
    client: DescribedClient, call_id: str, limit: int
) -> None:
    for stream in ("a", "b#2"):
        for sequence in (1, 2, 5, 9):
            await client.packet(call_id, sequence, stream=stream)
    path, seen = f"/v1/calls/{call_id}/packets?limit={limit}", list[tuple[str, int, str]]()
    following: str | None = ""
    while following is not None:
        page = (await client.get(path + following)).json
        assert len(page["packets"]) <= limit
        seen += shown(page)
        following = f"&after={page['next'].replace('#', '%23')}" if page["next"] else None
    assert seen == [(stream, sequence, "text") for stream in ("a", "b#2") for sequence in (1, 2, 5, 9)]


async def test_packets_of_one_stream(client: DescribedClient, call_id: str) -> None:
    for stream in ("a", "b"):
        for sequence in (1, 2, 3):
            await client.packet(call_id, sequence, stream=stream)
    path = f"/v1/calls/{call_id}/packets?stream=b"
    first = (await client.get(f"{path}&limit=2")).json
    assert shown(first) == [("b", 1, "text"), ("b", 2, "text")]
    rest = (await client.get(f"{path}&after={first['next']}")).json
    assert shown(rest) == [("b", 3, "text")]
    assert shown((await client.get(f"{path}&after=1")).json) == [("b", 2, "text"), ("b", 3, "text")]
    assert shown((await client.get(f"{path}&after=99999999999999999999")).json) == []
    assert shown((await client.get(f"/v1/calls/{call_id}/packets?stream=c")).json) == []


async def test_an_unknown_query_parameter_is_ignored(client: DescribedClient, call_id: str) -> None:
    await client.packet(call_id, 1)
    assert (await client.get(f"/v1/calls/{call_id}?verbose=yes")).status == 200
    assert (await client.get("/v1/calls?colour=red")).status == 200

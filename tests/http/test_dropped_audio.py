"""A call whose audio is no longer kept: what was made of it stays."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime

import pytest

from tests.http.answer import assert_problem
from tests.http.described_client import DescribedClient
from tests.http.life_cycle import TRANSCRIPT, Change, archive, change, fail, fail_after_transcribing
from tests.http.running_service import RunningService

DAY = date(2024, 2, 29)


async def drop_packets_of(service: RunningService, call_id: str) -> None:
    """Have the call start long ago, and that day dropped."""
    pool, days = service.container.pool(), service.container.packet_days()
    service.run(days.prepare([DAY]))
    service.run(pool.execute("UPDATE packets SET call_day = $2 WHERE call_id = $1", call_id, DAY))
    started_at = datetime(DAY.year, DAY.month, DAY.day, 12, tzinfo=UTC)
    service.run(pool.execute("UPDATE calls SET started_at = $2 WHERE call_id = $1", call_id, started_at))
    assert service.run(days.drop(DAY))


async def test_the_call_its_transcript_and_its_history_stay(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    await client.init(call_id, media={"encoding": "audio/x-mulaw", "sample_rate_hz": 8000, "channels": 1})
    await client.packet(call_id, 1, base64.b64encode(b"sound").decode())
    await client.complete(call_id)
    change(service, call_id, archive)
    assert (await client.get(f"/v1/calls/{call_id}/audio.wav")).status == 200
    before = await client.call(call_id)

    await drop_packets_of(service, call_id)

    after = await client.call(call_id)
    assert after == before | {"started_at": after["started_at"]}
    assert after["transcript"] == TRANSCRIPT.text
    assert (await client.get(f"/v1/calls/{call_id}/packets")).json == {"packets": [], "next": None}
    audio = await client.get(f"/v1/calls/{call_id}/audio.wav")
    assert_problem(audio, 409)
    assert "no longer kept" in audio.json["detail"]


async def test_a_dropped_packet_that_is_sent_again_is_a_duplicate(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    """Nobody can tell any more whether its bytes are the same; it must not be stored twice."""
    await client.packet(call_id, 1, "text")
    await drop_packets_of(service, call_id)
    assert (await client.packet(call_id, 1, "text")).json["status"] == "duplicate"
    accepted = await client.packet(call_id, 2, "more")
    assert (accepted.status, accepted.json["status"]) == (202, "accepted")
    assert len((await client.get(f"/v1/calls/{call_id}/packets")).json["packets"]) == 1


@pytest.mark.parametrize("ended", [archive, fail])
async def test_it_cannot_be_processed_again_and_stays_as_it_is(
    service: RunningService, client: DescribedClient, call_id: str, ended: Change
) -> None:
    await client.packet(call_id, 1, "text")
    await client.complete(call_id)
    change(service, call_id, ended)
    await drop_packets_of(service, call_id)
    before = await client.call(call_id)
    answer = await client.post(f"/v1/calls/{call_id}/reprocess")
    assert_problem(answer, 409)
    assert "no longer kept" in answer.json["detail"]
    assert await client.call(call_id) == before


async def test_what_lacks_only_its_analysis_can(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    await client.packet(call_id, 1, "text")
    await client.complete(call_id)
    change(service, call_id, fail_after_transcribing)
    await drop_packets_of(service, call_id)
    answer = await client.post(f"/v1/calls/{call_id}/reprocess")
    assert (answer.status, answer.json["state"]) == (202, "PROCESSING_AI")

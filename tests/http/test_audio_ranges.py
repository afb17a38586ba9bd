"""Parts of a call's audio, as players ask for them: RFC 9110, sections 13 and 14."""

from __future__ import annotations

import asyncio
import base64
import random

import pytest

from tests.http.answer import Answer, assert_problem
from tests.http.described_client import DescribedClient
from tests.http.life_cycle import Change, archive, begin_run, change, fail
from tests.http.raw_http import exchange, read_answer, request_bytes
from tests.http.running_service import RunningService

MEDIA = {"encoding": "audio/x-mulaw", "sample_rate_hz": 8000, "channels": 1}
SIZE = 44 + 2 * 2 * 160 * 6
"""Of a call with two streams of six packets."""


@pytest.fixture
async def path(client: DescribedClient, call_id: str) -> str:
    """Of the audio of a call whose packets have all come; one is missing."""
    chance = random.Random(7)  # noise
    await client.init(call_id, media=MEDIA)
    for stream in ("a", "b"):
        for sequence in (1, 2, 3, 5, 6):
            data = base64.b64encode(chance.randbytes(160)).decode()
            await client.packet(call_id, sequence, data, stream=stream, timestamp=100.0)
    await client.complete(call_id)
    return f"/v1/calls/{call_id}/audio.wav"


@pytest.fixture
async def whole(service: RunningService, client: DescribedClient, path: str, call_id: str) -> Answer:
    """The file, of a call that takes no packets any more."""
    change(service, call_id, archive)
    answer = await client.get(path)
    assert len(answer.body) == SIZE
    return answer


async def test_any_range_is_that_slice_of_the_whole(
    client: DescribedClient, path: str, whole: Answer
) -> None:
    chance = random.Random(11)  # to try many
    pairs = [sorted(chance.randrange(SIZE) for _ in range(2)) for _ in range(30)]
    for first, last in [[0, 0], [0, 1], [43, 44], [SIZE - 1, SIZE - 1], *pairs]:
        answer = await client.get(path, headers={"Range": f"bytes={first}-{last}"})
        assert answer.status == 206
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
        assert answer.media_type == "audio/wav"
        assert answer.body == whole.body[first : last + 1]
        assert answer.headers["ETag"] == whole.headers["ETag"]


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=1000-", 1000, SIZE - 1),
        ("bytes=-100", SIZE - 100, SIZE - 1),
        ("bytes=0-", 0, SIZE - 1),
        ("Bytes=5-5", 5, 5),
        (f"bytes=100-{SIZE}", 100, SIZE - 1),
        (f"bytes=100-{10**40}", 100, SIZE - 1),
        (f"bytes=-{SIZE + 1}", 0, SIZE - 1),
    ],
)
async def test_a_range_may_be_open_or_longer_than_the_file(
    client: DescribedClient, path: str, whole: Answer, asked: str, first: int, last: int
) -> None:
    answer = await client.get(path, headers={"Range": asked})
    assert (answer.status, answer.body) == (206, whole.body[first : last + 1])
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{SIZE}"


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={10**40}-{10**41}", "bytes=-0"])
async def test_a_range_without_a_byte_of_the_file_is_refused(
    client: DescribedClient, path: str, whole: Answer, asked: str
) -> None:
    answer = await client.get(path, headers={"Range": asked})
    assert_problem(answer, 416)
    assert answer.headers["Content-Range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=0-1,5-6",
        "bytes=0-1, -2",
        "bytes=5-2",
        "bytes=-",
        "bytes=a-b",
        "frames=0-1",
        "bytes",
        "",
        "bytes=0-\u0661",
    ],
)
async def test_several_ranges_and_what_is_none_are_answered_with_the_whole(
    service: RunningService, path: str, whole: Answer, asked: str
) -> None:
    """RFC 9110 leaves that to the server."""
    sent = request_bytes("GET", path, f"Range: {asked}".encode().decode("latin-1"))
    answer = await exchange(service, sent)
    assert (answer.status, answer.body) == (200, whole.body)
    assert "Content-Range" not in answer.headers


async def test_one_stream_alone_has_ranges_of_its_own(
    client: DescribedClient, path: str, whole: Answer
) -> None:
    alone = await client.get(f"{path}?stream=b")
    answer = await client.get(f"{path}?stream=b", headers={"Range": "bytes=400-1199"})
    assert (answer.status, answer.body) == (206, alone.body[400:1200])
    assert answer.headers["ETag"] == alone.headers["ETag"] != whole.headers["ETag"]


@pytest.mark.parametrize("ended", [begin_run, fail])
async def test_a_call_that_takes_no_packets_any_more_has_a_strong_validator_for_ever(
    service: RunningService, client: DescribedClient, path: str, call_id: str, ended: Change
) -> None:
    change(service, call_id, ended)
    tags = {(await client.get(path)).headers["ETag"] for _ in range(2)}
    assert len(tags) == 1
    assert not next(iter(tags)).startswith("W/")
    if ended is fail:
        await client.post(path.replace("audio.wav", "reprocess"))
        assert {(await client.get(path)).headers["ETag"]} == tags


@pytest.mark.parametrize("complete", [False, True])
async def test_what_can_still_grow_is_answered_whole_and_has_no_validator(
    client: DescribedClient, call_id: str, complete: bool
) -> None:
    """Two ranges of it might be of two files: late packets are taken until the first run."""
    await client.init(call_id, media=MEDIA)
    await client.packet(call_id, 2, "AAAA")
    if complete:
        await client.complete(call_id, main=9)
    path = f"/v1/calls/{call_id}/audio.wav"
    answer = await client.get(path, headers={"Range": "bytes=0-1"})
    assert (answer.status, len(answer.body)) == (200, 44 + 2 * 6)
    assert answer.headers["Accept-Ranges"] == "none"
    assert "ETag" not in answer.headers


async def test_if_range_gives_the_range_only_of_the_same_version(
    client: DescribedClient, path: str, whole: Answer
) -> None:
    tag = whole.headers["ETag"]
    for version, status in {
        tag: 206,
        '"another"': 200,
        f"W/{tag}": 200,
        "Tue, 24 Nov 2026 12:00:00 GMT": 200,
    }.items():
        answer = await client.get(path, headers={"Range": "bytes=0-9", "If-Range": version})
        assert answer.status == status, version
        assert answer.body == (whole.body[:10] if status == 206 else whole.body)


async def test_whoever_has_it_is_not_sent_it_again(client: DescribedClient, path: str, whole: Answer) -> None:
    tag = whole.headers["ETag"]
    for named in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        answer = await client.get(path, headers={"If-None-Match": named, "Range": "bytes=0-9"})
        assert (answer.status, answer.body) == (304, b"")
        assert answer.headers["ETag"] == tag
    assert (await client.get(path, headers={"If-None-Match": '"x"'})).status == 200


async def test_whoever_wants_another_version_is_told(
    client: DescribedClient, path: str, whole: Answer
) -> None:
    tag = whole.headers["ETag"]
    for named, status in {tag: 206, f'"x", {tag}': 206, "*": 206, '"x"': 412, f"W/{tag}": 412}.items():
        answer = await client.get(path, headers={"If-Match": named, "Range": "bytes=0-9"})
        assert answer.status == status, named


async def test_head_tells_all_of_the_whole_but_its_bytes(
    client: DescribedClient, path: str, whole: Answer
) -> None:
    """RFC 9110 knows ranges of GET alone."""
    answer = await client.request("HEAD", path, headers={"Range": "bytes=0-9"})
    assert (answer.status, answer.body) == (200, b"")
    for name in ("Content-Length", "Content-Type", "ETag", "Accept-Ranges"):
        assert answer.headers[name] == whole.headers[name]
    assert answer.headers["Accept-Ranges"] == "bytes"
    missing = await client.request("HEAD", "/v1/calls/none/audio.wav")
    assert (missing.status, missing.body) == (404, b"")
    unchanged = await client.request("HEAD", path, headers={"If-None-Match": whole.headers["ETag"]})
    assert unchanged.status == 304


async def test_ranges_follow_each_other_on_one_connection(
    service: RunningService, path: str, whole: Answer
) -> None:
    """As a player asks: two bytes, then the rest from where it wants to play."""
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(service.host, service.port)
        for asked in ("0-1", "2000-", "44-443"):
            writer.write(request_bytes("GET", path, f"Range: bytes={asked}"))
        bodies = [(await read_answer(reader)).body for _ in range(3)]
        writer.close()
    assert bodies == [whole.body[:2], whole.body[2000:], whole.body[44:444]]

"""Events of the feed as bytes."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
import pytest

from application.feed_ports import Change
from benchmarks.load.websocket_frames import FrameReader, Opcode
from domain.call_state import CallState
from domain.events import RecordedEvent, RunFailed
from entrypoints.http.feed_encoding import LONGEST_ID_CHARACTERS, SLICE_BYTES, FeedChunk, encode
from entrypoints.http.websocket_frames import text_frames
from tests.contract.storage.rich_calls import at


def change(place: str = "storage/1:2:", detail: str = "") -> Change:
    event = RecordedEvent(3, at(0), CallState.FAILED, RunFailed(1, detail, at(1)))
    return Change(place, "c-1", event, CallState.PROCESSING_AI)


def messages(chunk: FeedChunk) -> Sequence[bytes]:
    whole: list[bytes] = []
    parts: list[bytes] = []
    for some in chunk.frames:
        for frame in FrameReader().feed(some):
            assert frame.opcode == (Opcode.CONTINUATION if parts else Opcode.TEXT)
            parts.append(frame.payload)
            if frame.is_final:
                whole.append(b"".join(parts))
                parts = []
    assert parts == []
    return whole


@pytest.mark.parametrize("details", [[0], [1], [0, 1, 70_000, 2], [65_000] * 9, [200_000, 0], [0] * 3_000])
async def test_what_is_sent_is_in_slices_and_whole(details: list[int]) -> None:
    """Those of a WebSocket have whole frames: nothing else can come into the middle of one."""
    chunk = await encode([change(detail="ä" * length) for length in details])
    for slices in (chunk.frames, chunk.server_sent):
        assert max(len(some) for some in slices) <= SLICE_BYTES
        assert sum(len(some) for some in slices) > SLICE_BYTES * (len(slices) - 1) / 2
    told = [orjson.loads(message) for message in messages(chunk)]
    assert [len(each["data"]["detail"]["detail"]) for each in told] == details
    sent = b"".join(chunk.server_sent)
    assert [orjson.loads(line[6:]) for line in sent.splitlines() if line.startswith(b"data: ")] == [
        each["data"] for each in told
    ]
    assert chunk.byte_count == len(sent)


@pytest.mark.parametrize("length", [1, 125, 126, 65_531, 65_532, 65_533, 131_064, 131_065])
def test_a_message_of_any_length_is_read_back(length: int) -> None:
    message = (b"0123456789" * (length // 10 + 1))[:length]
    frames = list(text_frames(message))
    read = FrameReader().feed(b"".join(frames))
    assert b"".join(frame.payload for frame in read) == message
    assert [frame.is_final for frame in read] == [False] * (len(read) - 1) + [True]
    assert len(read) == len(frames) == -(-length // 65_532)


async def test_an_id_that_would_not_come_through_is_not_given() -> None:
    """But one that gets a snapshot."""
    longest = "s/" + "1" * (LONGEST_ID_CHARACTERS - 2)
    chunk = await encode([change(longest), change(longest + "1")])
    assert [orjson.loads(message)["id"] for message in messages(chunk)] == [longest, "-"]
    lines = b"".join(chunk.server_sent).splitlines()
    assert [line for line in lines if line.startswith(b"id: ")] == [b"id: " + longest.encode(), b"id: -"]


async def test_no_bytes_are_made_twice() -> None:
    chunk = await encode([change()])
    assert chunk.frames is chunk.frames
    assert chunk.server_sent is chunk.server_sent

"""What is asked of a transcription service, and what is made of its words."""

from __future__ import annotations

from typing import Any

import pytest

from domain.analysis import Segment
from tests.fakes.ai_provider import answer, words
from tests.unit.ai.asking import PART, Asking


async def test_the_request_is_openais(asking: Asking) -> None:
    asking.provider.will(words("hello"))
    await asking.transcriber().transcribe(PART, "key-1")
    (asked,) = asking.provider.asked
    assert asked.path == "/v1/audio/transcriptions"
    assert asked.headers["Content-Type"].startswith("multipart/form-data")
    assert asked.form == {"model": b"whisper-1", "response_format": b"verbose_json", "file": PART.wav}
    assert asked.file_names["file"] == "audio.wav"


async def test_the_response_format_is_the_providers(asking: Asking) -> None:
    asking.provider.will(words("hello"))
    await asking.transcriber(transcription_response_format="json").transcribe(PART, "key-1")
    assert asking.provider.asked[0].form["response_format"] == b"json"


async def segments_of(asking: Asking, **body: Any) -> tuple[Segment, ...]:
    asking.provider.will(answer(200, {"text": "hello there", **body}))
    return (await asking.transcriber().transcribe(PART, "key-1")).segments


WHOLE = (Segment(60.0, 62.0, "hello there", "main"),)


async def test_segments_are_placed_in_the_call_and_its_stream(asking: Asking) -> None:
    segments = [
        {"id": 0, "start": 0, "end": 0.5, "text": " hello", "avg_logprob": -0.2},
        {"id": 1, "start": "0.75", "end": "1.5", "text": "there "},
    ]
    assert await segments_of(asking, segments=segments, duration="2.0", language="english") == (
        Segment(60.0, 60.5, "hello", "main"),
        Segment(60.75, 61.5, "there", "main"),
    )


async def test_what_was_heard_past_the_end_of_the_part_ends_with_it(asking: Asking) -> None:
    segments = [{"start": 1.0, "end": 30.0, "text": "hello"}]
    assert await segments_of(asking, segments=segments) == (Segment(61.0, 62.0, "hello", "main"),)


async def test_segments_that_say_nothing_are_left_out(asking: Asking) -> None:
    segments = [{"start": 0, "end": 1, "text": " "}, {"start": 1, "end": 2, "text": "hello"}]
    assert await segments_of(asking, segments=segments) == (Segment(61.0, 62.0, "hello", "main"),)


SENSELESS: dict[str, Any] = {
    "none": None,
    "empty": [],
    "no list": "hello",
    "no objects": ["hello"],
    "no times": [{"text": "hello"}],
    "no text": [{"start": 0, "end": 1}],
    "another type of text": [{"start": 0, "end": 1, "text": 5}],
    "end before start": [{"start": 1, "end": 0.5, "text": "hello"}],
    "negative": [{"start": -1, "end": 0.5, "text": "hello"}],
    "no number": [{"start": "soon", "end": 1, "text": "hello"}],
    "NaN": [{"start": float("nan"), "end": 1, "text": "hello"}],
    "infinite": [{"start": 0, "end": "inf", "text": "hello"}],
    "true": [{"start": True, "end": 2, "text": "hello"}],
    "a huge number": [{"start": 0, "end": 10**400, "text": "hello"}],
    "one good and one bad": [{"start": 0, "end": 1, "text": "hello"}, {"start": 1, "end": None, "text": "x"}],
    "all silent": [{"start": 0, "end": 1, "text": ""}],
}


@pytest.mark.parametrize("segments", SENSELESS.values(), ids=SENSELESS.keys())
async def test_without_sensible_segments_the_text_spans_the_part(asking: Asking, segments: Any) -> None:
    assert await segments_of(asking, segments=segments) == WHOLE


async def test_only_the_text_is_relied_on(asking: Asking) -> None:
    assert await segments_of(asking) == WHOLE


@pytest.mark.parametrize("text", ["", "  \n", "\0"])
async def test_no_words_are_a_result_with_its_reason(asking: Asking, text: str) -> None:
    asking.provider.will(answer(200, {"text": text, "segments": [{"start": 0, "end": 1, "text": "ghost"}]}))
    transcript = await asking.transcriber().transcribe(PART, "key-1")
    assert (transcript.text, transcript.segments) == ("", ())
    assert transcript.reason == "no speech was recognised"
    assert asking.outcomes == ["ok"]


async def test_what_the_database_cannot_hold_is_taken_out(asking: Asking) -> None:
    segments = b'[{"start": 0, "end": 1, "text": "x\\u0000\\udfffy"}]'
    body = b'{"text": "a\\u0000b\\ud800c\\ud83d\\ude00", "segments": ' + segments + b"}"
    asking.provider.will(answer(200, body))
    transcript = await asking.transcriber().transcribe(PART, "key-1")
    assert transcript.text == "abc\U0001f600"
    assert transcript.segments[0].text == "xy"

"""The simulated AI service over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from entrypoints.simulators.ai.chance import Chance
from entrypoints.simulators.ai.transcriptions import MAX_UPLOAD_BYTES
from tests.http.simulators.simulated_ai import TONE, Client, serving
from tests.unit.simulators.wavs import tone, wav

SCHEMA = {
    "type": "object",
    "properties": {
        "summary": {"type": "string"},
        "sentiment": {
            "type": "object",
            "properties": {
                "label": {"enum": ["positive", "neutral", "negative"]},
                "score": {"type": "number"},
            },
            "required": ["label", "score"],
        },
    },
    "required": ["summary", "sentiment"],
}


def question(content: Any, **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": content}], **more}


JSON_SCHEMA = {"type": "json_schema", "json_schema": {"name": "analysis", "strict": True, "schema": SCHEMA}}


@pytest.fixture
async def ai(tmp_path: Path) -> AsyncIterator[Client]:
    async with serving(tmp_path / "ledger") as client:
        yield client


async def statuses(ledger: Path, seed: int, keys: list[str]) -> dict[str, list[tuple[int, str | None]]]:
    """What three requests by each key were answered, sent all at once."""
    async with serving(ledger, Chance(seed, 0.25, (0, 0))) as client:

        async def three(key: str) -> list[tuple[int, str | None]]:
            replies = [await client.chat(question("hello"), key) for _ in range(3)]
            return [(reply.status, reply.headers.get("Retry-After")) for reply in replies]

        return dict(zip(keys, await asyncio.gather(*map(three, keys)), strict=True))


async def test_a_quarter_fails_and_the_same_seed_fails_the_same_in_any_order(tmp_path: Path) -> None:
    keys = [f"key-{number}" for number in range(200)]
    run = await statuses(tmp_path / "a", 1, keys)
    first = Counter(answers[0] for answers in run.values())
    failures = [first[503, "1"], first[503, None]]
    assert 35 <= sum(failures) <= 65
    assert min(failures) >= 12
    assert first.keys() == {(200, None), (503, "1"), (503, None)}
    assert run == await statuses(tmp_path / "b", 1, keys[::-1])
    assert run != await statuses(tmp_path / "c", 2, keys)


async def test_requests_without_a_key_are_told_apart_by_what_they_ask(tmp_path: Path) -> None:
    async def run(ledger: Path) -> list[int]:
        async with serving(ledger, Chance(3, 0.5, (0, 0))) as client:
            sounds = [wav(tone(0.2 + number / 100, 8_000)) for number in range(20)]
            return [(await client.transcribe(sound)).status for sound in sounds]

    answers = await run(tmp_path / "a")
    assert set(answers) == {200, 503}
    assert answers == await run(tmp_path / "b")


async def test_an_error_has_openai_s_shape(tmp_path: Path) -> None:
    async with serving(tmp_path / "ledger", Chance(1, 1, (0, 0))) as client:
        reply = await client.chat(question("hello"))
    assert reply.status == 503
    assert reply.json["error"].keys() == {"message", "type", "param", "code"}
    assert reply.json["error"]["type"] == "server_error"


async def test_a_key_that_succeeded_is_answered_again_with_the_same_and_never_fails(tmp_path: Path) -> None:
    async with serving(tmp_path / "ledger", Chance(1, 0.5, (0, 0))) as client:
        replies = [await client.chat(question("I am happy."), "call-1") for _ in range(30)]
        first = next(place for place, reply in enumerate(replies) if reply.status == 200)
        assert {reply.status for reply in replies[:first]} <= {503}
        assert {reply.text for reply in replies[first:]} == {replies[first].text}
        assert "Idempotent-Replayed" not in replies[first].headers
        assert replies[-1].headers["Idempotent-Replayed"] == "true"
        lines = client.lines()
    assert [line["effect"] for line in lines] == [place == first for place in range(30)]
    assert [line["replay"] for line in lines] == [place > first for place in range(30)]


async def test_of_equal_requests_at_the_same_time_one_does_the_work(ai: Client) -> None:
    replies = await asyncio.gather(*(ai.transcribe(key="call-1") for _ in range(10)))
    assert len({reply.text for reply in replies}) == 1
    assert Counter((line["status"], line["effect"], line["replay"]) for line in ai.lines()) == {
        (200, True, False): 1,
        (200, False, True): 9,
    }


async def test_a_key_is_good_for_one_question_of_one_kind(ai: Client) -> None:
    assert (await ai.chat(question("one"), "k")).status == 200
    assert (await ai.transcribe(key="k")).status == 200
    other = await ai.chat(question("two"), "k")
    assert (other.status, other.json["error"]["code"]) == (422, "idempotency_key_reused")


async def test_the_ledger_has_a_line_for_each_answer(tmp_path: Path) -> None:
    async with serving(tmp_path / "ledger", Chance(1, 0, (0.01, 0.02))) as client:
        await client.transcribe(key="a")
        await client.chat({})
        await client.get("/v1/models")
        lines = client.lines()
    assert [(line["path"], line["step"], line["idempotency_key"], line["status"]) for line in lines] == [
        ("/v1/audio/transcriptions", "transcription", "a", 200),
        ("/v1/chat/completions", "analysis", None, 400),
        ("/v1/models", None, None, 200),
    ]
    assert [line["effect"] for line in lines] == [True, False, False]
    assert 0.01 <= lines[0]["latency_seconds"] <= 0.02 <= lines[0]["elapsed_seconds"] + 0.01
    assert all(line["at"].endswith("+00:00") and line["retry_after"] is None for line in lines)


async def test_retry_after_is_in_the_ledger(tmp_path: Path) -> None:
    async with serving(tmp_path / "ledger", Chance(1, 1, (0, 0))) as client:
        replies = [await client.chat(question("hello"), str(number)) for number in range(20)]
        named = [reply.headers.get("Retry-After") for reply in replies]
        assert [line["retry_after"] for line in client.lines()] == [
            int(wait) if wait else None for wait in named
        ]
    assert set(named) == {"1", None}


async def test_models_are_listed_whatever_the_failure_rate(tmp_path: Path) -> None:
    async with serving(tmp_path / "ledger", Chance(1, 1, (60, 60))) as client:
        reply = await client.get("/v1/models")
    assert reply.status == 200
    assert {model["owned_by"] for model in reply.json["data"]} == {"trunkline-simulation"}


@pytest.mark.parametrize(
    ("content", "fields", "param"),
    [
        (None, {}, "file"),
        (TONE, {"model": ""}, "model"),
        (TONE, {"response_format": "srt"}, "response_format"),
        (TONE, {"timestamp_granularities[]": "letter"}, "timestamp_granularities[]"),
        (b"not a wav", {}, "file"),
        (b"", {}, "file"),
        (wav(b"\xff" * 8_000, tag=7, bits=8), {}, "file"),
        (wav(tone(0.05, 8_000)), {}, "file"),
    ],
)
async def test_a_transcription_that_makes_no_sense_is_400(
    ai: Client, content: bytes | None, fields: dict[str, str], param: str
) -> None:
    reply = await ai.transcribe(content, **fields)
    assert (reply.status, reply.json["error"]["param"]) == (400, param)
    assert reply.json["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("size", [MAX_UPLOAD_BYTES + 1, MAX_UPLOAD_BYTES + 3 * 1024 * 1024])
async def test_an_upload_over_the_limit_is_413(ai: Client, size: int) -> None:
    reply = await ai.transcribe(b"\0" * size)
    assert (reply.status, reply.json["error"]["param"]) == (413, "file")


async def test_a_body_that_is_no_form_is_400(ai: Client) -> None:
    assert (await ai.post_text("/v1/audio/transcriptions", "hello")).status == 400


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"model": "m"},
        {"model": "m", "messages": []},
        {"model": "m", "messages": [{"role": "system", "content": "hello"}]},
        question(5),
        question("hello", stream=True),
        question("hello", response_format={"type": "xml"}),
        question("hello", response_format={"type": "json_schema", "json_schema": {"name": "no schema"}}),
        question(
            "hello",
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "n", "schema": {"properties": {"topic": {}}, "required": ["topic"]}},
            },
        ),
    ],
)
async def test_a_chat_that_makes_no_sense_is_400(ai: Client, body: Any) -> None:
    reply = await ai.chat(body)
    assert (reply.status, reply.json["error"]["type"]) == (400, "invalid_request_error")
    assert not any(line["effect"] for line in ai.lines())


async def test_a_body_that_is_not_json_is_400(ai: Client) -> None:
    assert (await ai.post_text("/v1/chat/completions", "{")).status == 400


@pytest.mark.parametrize("response_format", [JSON_SCHEMA, {"type": "json_object"}])
async def test_the_analysis_is_of_the_transcript_and_fits_the_schema(
    ai: Client, response_format: dict[str, Any]
) -> None:
    prompt = "Be terrible and awful. <transcript>I am happy. Thank you. Goodbye.</transcript> Horrible."
    reply = await ai.chat(question(prompt, response_format=response_format))
    choice = reply.json["choices"][0]
    assert json.loads(choice["message"]["content"]) == {
        "summary": "I am happy. Thank you.",
        "sentiment": {"label": "positive", "score": 1.0},
    }
    assert choice["finish_reason"] == "stop"
    assert choice["message"]["refusal"] is None


async def test_without_the_tags_the_whole_message_is_analysed(ai: Client) -> None:
    parts = [{"type": "text", "text": "I am angry."}, {"type": "text", "text": "It is broken."}]
    reply = await ai.chat(question(parts))
    content = reply.json["choices"][0]["message"]["content"]
    assert content == "I am angry. It is broken.\nSentiment: negative (-1)"


async def test_every_answer_says_that_it_is_a_simulation(ai: Client) -> None:
    chat, transcription = await ai.chat(question("hello")), await ai.transcribe()
    replies = [chat, transcription, await ai.get("/v1/models"), await ai.get("/nowhere"), await ai.chat({})]
    assert [reply.status for reply in replies] == [200, 200, 200, 404, 400]
    assert all("simulated" in reply.headers["X-Simulation"] for reply in replies)
    assert chat.json["system_fingerprint"] == "trunkline-simulation"
    assert "simulated" in transcription.json["simulation"]


async def test_without_pocketsphinx_the_transcript_says_so_and_how_long_the_audio_was(ai: Client) -> None:
    reply = await ai.transcribe(wav(tone(1.5, 16_000, 2), 16_000, 2), response_format="verbose_json")
    assert "PocketSphinx is not installed" in reply.json["text"]
    assert "1.5 seconds" in reply.json["text"]
    assert reply.json["duration"] == 1.5
    [segment] = reply.json["segments"]
    assert (segment["start"], segment["end"], segment["no_speech_prob"]) == (0, 1.5, 1)


async def test_plain_text_is_answered_as_plain_text(ai: Client) -> None:
    reply = await ai.transcribe(response_format="text")
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert reply.text.startswith("Simulated transcription")

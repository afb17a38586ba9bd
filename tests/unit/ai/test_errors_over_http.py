"""Which failure is which, over a real connection. Both steps share the code: one stands for both."""

from __future__ import annotations

import asyncio
import traceback

import pytest

from adapters.ai.answer import ProviderAnswer
from adapters.ai.transcription import OpenAITranscriber
from application.errors import AIRefused, AIUnavailable
from application.unit_of_work import open_unit_of_work
from tests.fakes.ai_provider import Reply, answer, completion, in_chunks, reset_in_body, words
from tests.unit.ai.asking import KEY, PART, TRANSCRIPT, Asking


def error_body(message: object, code: object = None) -> dict[str, object]:
    return {"error": {"message": message, "type": "some_error", "param": None, "code": code}}


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529])
async def test_worth_retrying(asking: Asking, status: int) -> None:
    asking.provider.will(answer(status, error_body("busy")), words("hello"))
    transcript = await asking.transcriber().transcribe(PART, "key-1")
    assert transcript.text == "hello"
    assert asking.outcomes == ["unavailable", "ok"]


@pytest.mark.parametrize("status", [301, 400, 401, 402, 403, 404, 405, 413, 415, 422])
async def test_never_retried(asking: Asking, status: int) -> None:
    asking.provider.will(answer(status, error_body("no", code=17), {"Location": "/v1/elsewhere"}))
    with pytest.raises(AIRefused, match=f"transcription: HTTP {status} from the AI service: no$"):
        await asking.transcriber().transcribe(PART, "key-1")
    assert asking.outcomes == ["refused"]


async def test_it_gives_up_after_its_attempts_with_the_last_error(asking: Asking) -> None:
    asking.provider.will(answer(500, error_body("first")), answer(503, error_body("last", code="x")))
    with pytest.raises(AIUnavailable, match="HTTP 503 from the AI service: last"):
        await asking.transcriber(retry_attempts=4).transcribe(PART, "key-1")
    assert asking.outcomes == ["unavailable"] * 4


async def test_every_attempt_carries_the_same_idempotency_key_and_the_whole_request(asking: Asking) -> None:
    asking.provider.will(answer(500, b""), reset_in_body, answer(429, b""), words("hello"))
    await asking.transcriber(retry_attempts=4).transcribe(PART, "c-1:run-1:transcribe:main/0/0-1")
    assert [asked.idempotency_key for asked in asking.provider.asked] == [
        "c-1:run-1:transcribe:main/0/0-1"
    ] * 4
    assert [asked.form["file"] for asked in asking.provider.asked] == [PART.wav] * 4


async def test_an_answer_that_does_not_come_in_time_is_retried(asking: Asking) -> None:
    asking.provider.will(asking.provider.hang, asking.provider.hang_in_body, words("hello"))
    transcript = await asking.transcriber(timeout_seconds=0.5).transcribe(PART, "key-1")
    assert transcript.text == "hello"
    assert asking.outcomes == ["unavailable", "unavailable", "ok"]
    assert all(0.49 < attempt.seconds < 4 for attempt in asking.attempts[:2])


async def test_a_time_out_says_so(asking: Asking) -> None:
    asking.provider.will(asking.provider.hang)
    with pytest.raises(AIUnavailable, match=r"transcription: no whole answer within 0\.05 s"):
        await asking.transcriber(timeout_seconds=0.05, retry_attempts=1).transcribe(PART, "key-1")


async def test_a_connection_that_breaks_in_mid_body_is_retried(asking: Asking) -> None:
    asking.provider.will(reset_in_body, words("hello"))
    assert (await asking.transcriber().transcribe(PART, "key-1")).text == "hello"


async def test_a_service_that_is_not_there_is_unavailable(asking: Asking, unused_tcp_port: int) -> None:
    nobody = f"http://127.0.0.1:{unused_tcp_port}/v1"
    with pytest.raises(AIUnavailable, match="transcription: the connection failed"):
        await asking.transcriber(base_url=nobody).transcribe(PART, "key-1")
    assert asking.outcomes == ["unavailable"] * 3


RUBBISH: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"<html>502</html>",
    "half an answer": b'{"text": "hel',
    "another JSON": b'["text"]',
    "no text": b"{}",
    "null for text": b'{"text": null}',
    "a number for text": b'{"text": 5}',
    "no UTF-8": b'{"text": "\xff\xfe"}',
    "far too deep": b'{"text":' * 100_000,
    "10 MB": b'{"text": "' + b"x" * 10_000_000 + b'"}',
    "2 MB of text": b'{"text": "' + b"x" * 2_000_000 + b'"}',
}


@pytest.mark.parametrize("body", RUBBISH.values(), ids=RUBBISH.keys())
async def test_a_success_that_is_none_is_worth_another_try(asking: Asking, body: bytes) -> None:
    asking.provider.will(answer(200, body), words("hello"))
    assert (await asking.transcriber().transcribe(PART, "key-1")).text == "hello"
    assert asking.outcomes == ["unavailable", "ok"]


async def test_an_answer_past_the_bound_is_not_read_on(asking: Asking) -> None:
    asking.provider.will(answer(200, b'{"text": "hello"}' + b" " * 10_000_000))
    with pytest.raises(AIUnavailable, match="transcription: the answer is too large"):
        await asking.transcriber(retry_attempts=1).transcribe(PART, "key-1")


async def test_an_answer_that_says_that_it_is_past_the_bound_is_not_read_at_all(asking: Asking) -> None:
    asking.provider.will(asking.provider.hang_before_ten_megabytes)
    with pytest.raises(AIUnavailable, match="transcription: the answer is too large"):
        await asking.transcriber(retry_attempts=1).transcribe(PART, "key-1")


SWARMS = {
    "arrays": b'{"text": "hello", "more": [' + b"[]," * 200_000 + b"0]}",
    "objects": b'{"text": "hello", "more": [' + b"{}," * 200_000 + b"0]}",
    "names": b'{"text": "hello"' + b"".join(b', "%x": 0' % number for number in range(150_000)) + b"}",
}


@pytest.mark.parametrize("body", SWARMS.values(), ids=SWARMS.keys())
async def test_a_swarm_of_values_is_never_parsed(asking: Asking, body: bytes) -> None:
    """Though it is not too large: it would hold up a loop that has packets to answer, and take much room."""
    asking.provider.will(answer(200, body))
    with pytest.raises(AIUnavailable, match="transcription: the answer is no JSON object"):
        await asking.transcriber(retry_attempts=1).transcribe(PART, "key-1")


async def test_an_answer_past_the_bound_is_too_large_though_it_does_not_say_so(asking: Asking) -> None:
    asking.provider.will(in_chunks(b'{"text": "' + b"x" * 3_000_000 + b'"}'))
    with pytest.raises(AIUnavailable, match="transcription: the answer is too large"):
        await asking.transcriber(retry_attempts=1).transcribe(PART, "key-1")


@pytest.mark.parametrize(
    "body",
    [b"[" + b"[]," * 1_000 + b"0]", b'{"text": 7, "more": [' + b"[]," * 1_000 + b"0]}"],
    ids=["no object", "no text"],
)
async def test_an_error_holds_nothing_of_the_answer_that_it_is_about(asking: Asking, body: bytes) -> None:
    """It lives while a run waits and is saved: sixteen held what sixteen answers had been parsed into."""
    asking.provider.will(answer(200, body))
    with pytest.raises(AIUnavailable) as caught:
        await asking.transcriber(retry_attempts=1).transcribe(PART, "key-1")
    assert caught.value.__context__ is None
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    held = [
        f"{name} of {frame.f_code.co_name}"
        for frame in frames
        if frame.f_code.co_filename != __file__
        for name, value in frame.f_locals.items()
        if isinstance(value, ProviderAnswer) or (isinstance(value, bytes | list | dict) and len(value) > 1)
    ]
    assert held == []


async def test_a_huge_error_page_is_still_that_error(asking: Asking) -> None:
    asking.provider.will(answer(401, b"x" * 10_000_000))
    with pytest.raises(AIRefused, match="HTTP 401"):
        await asking.transcriber().transcribe(PART, "key-1")


async def test_a_retry_after_that_is_too_long_ends_the_run_and_is_passed_on(asking: Asking) -> None:
    asking.provider.will(answer(429, error_body("slow down"), {"Retry-After": "3600"}))
    with pytest.raises(AIUnavailable) as caught:
        await asking.transcriber().transcribe(PART, "key-1")
    assert caught.value.retry_after_seconds == 3600
    assert asking.outcomes == ["unavailable"]


@pytest.mark.parametrize("year", [2020, 2099])
async def test_a_date_to_try_again_at_is_by_the_clock_of_the_service_that_names_it(
    asking: Asking, year: int
) -> None:
    """Which may be a day off: a call would wait for a day, or not at all."""
    headers = {
        "Date": f"Wed, 21 Oct {year} 07:28:00 GMT",
        "Retry-After": f"Wed, 21 Oct {year} 08:28:00 GMT",
    }
    asking.provider.will(answer(429, error_body("slow down"), headers))
    with pytest.raises(AIUnavailable) as caught:
        await asking.transcriber(retry_attempts=1).transcribe(PART, "key-1")
    assert caught.value.retry_after_seconds == 3600


async def test_a_cancelled_attempt_is_not_tried_again(asking: Asking) -> None:
    asking.provider.will(asking.provider.hang)
    task = asyncio.create_task(asking.transcriber().transcribe(PART, "key-1"))
    await asyncio.wait_for(asking.provider.arrived.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(asking.provider.asked) == 1
    assert asking.attempts == []


async def test_a_wait_between_attempts_can_be_cancelled(asking: Asking) -> None:
    asking.provider.will(answer(500, b""))
    told = asyncio.Event()
    settings = asking.settings(retry_wait_seconds=50)
    transcriber = OpenAITranscriber(asking.session, settings, on_attempt=lambda _: told.set())
    task = asyncio.create_task(transcriber.transcribe(PART, "key-1"))
    await asyncio.wait_for(told.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(asking.provider.asked) == 1


async def test_nothing_is_sent_inside_a_unit_of_work(asking: Asking) -> None:
    with open_unit_of_work():
        with pytest.raises(RuntimeError, match="inside a unit of work"):
            await asking.transcriber().transcribe(PART, "key-1")
        with pytest.raises(RuntimeError, match="inside a unit of work"):
            await asking.analyst().analyse(TRANSCRIPT, "key-1")
    assert asking.provider.asked == []


async def test_a_bug_is_not_retried(asking: Asking) -> None:
    asking.provider.will(words("hello"))
    transcriber = asking.transcriber()
    await asking.session.close()
    with pytest.raises(RuntimeError, match="Session is closed"):
        await transcriber.transcribe(PART, "key-1")


async def test_the_key_goes_into_its_header_and_nowhere_else(asking: Asking) -> None:
    asking.provider.will(words("hello"))
    await asking.transcriber().transcribe(PART, "key-1")
    await asking.transcriber(api_key=None).transcribe(PART, "key-1")
    first, second = (asked.headers for asked in asking.provider.asked)
    assert first["Authorization"] == f"Bearer {KEY}"
    assert "Authorization" not in second
    assert KEY not in repr(asking.settings())


MESSAGES: dict[str, tuple[object, str]] = {
    "OpenAI": (error_body("quota exceeded"), ": quota exceeded"),
    "a text for error (Ollama)": ({"error": "model not found"}, ": model not found"),
    "FastAPI": ({"message": "bad"}, ": bad"),
    "control characters": (error_body("a\nb\x1b[31m\0c\u202e"), ": a b [31m c"),
    "too long": (error_body("m" * 5_000), ": " + "m" * 200),
    "no text": (error_body({"nested": 1}), ""),
    "null": ({"error": None}, ""),
    "a list": ([1], ""),
    "no JSON": (b"<html>", ""),
    "the key": (error_body(f"Incorrect API key provided: {KEY}"), ": (its message repeats what is private)"),
}


@pytest.mark.parametrize(("body", "shown"), MESSAGES.values(), ids=MESSAGES.keys())
async def test_the_providers_message_is_shown_short_and_clean(
    asking: Asking, body: object, shown: str
) -> None:
    asking.provider.will(answer(403, body))
    with pytest.raises(AIRefused) as caught:
        await asking.transcriber().transcribe(PART, "key-1")
    assert caught.value.detail == f"transcription: HTTP 403 from the AI service{shown}"


async def test_no_error_repeats_the_transcript_or_holds_the_key(asking: Asking) -> None:
    replies: list[Reply] = [
        answer(422, error_body(f"bad input: {TRANSCRIPT.text}")),
        answer(503, error_body(f"{TRANSCRIPT.text[5:40]} {KEY}")),
        completion(None, refusal=TRANSCRIPT.text),
        completion({"summary": TRANSCRIPT.text, TRANSCRIPT.text: 1}),
        completion(TRANSCRIPT.text),
    ]
    for reply in replies:
        asking.provider.replies.clear()
        asking.provider.will(reply)
        with pytest.raises((AIRefused, AIUnavailable)) as caught:
            await asking.analyst().analyse(TRANSCRIPT, "key-1")
        shown = f"{caught.value!r} {caught.value.__cause__!r}"
        assert "99887766" not in shown
        assert KEY not in shown


async def test_what_is_not_http_is_unavailable_and_shows_no_headers(asking: Asking) -> None:
    async def not_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(not_http, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(AIUnavailable) as caught:
            await asking.analyst(base_url=f"http://127.0.0.1:{port}/v1").analyse(TRANSCRIPT, "key-1")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


async def test_a_part_of_25_mb_is_sent_whole(asking: Asking) -> None:
    part = type(PART)("main/0/0-1", "main", 0.0, b"\1" * 25_000_000)
    asking.provider.will(words("hello"))
    await asking.transcriber().transcribe(part, "key-1")
    assert len(asking.provider.asked[0].form["file"]) == 25_000_000

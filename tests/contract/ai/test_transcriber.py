"""The promise of application.ports.Transcriber, held against the real adapter and the fake."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import attrs
import pytest

from application.errors import AIRefused, AIUnavailable
from application.ports import Transcriber
from application.unit_of_work import open_unit_of_work
from tests.fakes.ai import FakeTranscriber
from tests.fakes.ai_provider import answer, words
from tests.unit.ai.asking import PART, asking_a_scripted_provider


@attrs.frozen
class Arranged:
    """A transcriber, and how to tell it what its next call meets."""

    transcriber: Transcriber
    hears: Callable[[str], None]
    is_unavailable: Callable[[float | None], None]
    refuses: Callable[[], None]


def fake() -> Arranged:
    transcriber = FakeTranscriber()
    outcomes = transcriber.outcomes
    return Arranged(
        transcriber,
        hears=outcomes.append,
        is_unavailable=lambda seconds: outcomes.append(AIUnavailable("busy", seconds)),
        refuses=lambda: outcomes.append(AIRefused("no")),
    )


@pytest.fixture(params=["real", "fake"])
async def arranged(request: pytest.FixtureRequest) -> AsyncIterator[Arranged]:
    if request.param == "fake":
        yield fake()
        return
    async with asking_a_scripted_provider() as asking:
        will = asking.provider.will
        yield Arranged(
            asking.transcriber(retry_attempts=1),
            hears=lambda text: will(words(text)),
            is_unavailable=lambda seconds: will(
                answer(503, b"", {} if seconds is None else {"Retry-After": f"{seconds:g}"})
            ),
            refuses=lambda: will(answer(400, b"")),
        )


async def test_segments_lie_within_the_part_in_call_time_and_in_its_stream(arranged: Arranged) -> None:
    arranged.hears(" hello there ")
    transcript = await arranged.transcriber.transcribe(PART, "key-1")
    assert transcript.text == "hello there"
    assert transcript.reason is None
    assert [segment.text for segment in transcript.segments] == ["hello there"]
    for segment in transcript.segments:
        assert segment.stream == PART.stream
        assert 60.0 <= segment.start_seconds <= segment.end_seconds <= 62.0


async def test_no_speech_is_a_result_with_a_reason(arranged: Arranged) -> None:
    arranged.hears("")
    transcript = await arranged.transcriber.transcribe(PART, "key-1")
    assert transcript.is_empty
    assert transcript.segments == ()
    assert transcript.reason


@pytest.mark.parametrize("seconds", [None, 90.0])
async def test_unavailable_says_how_long_it_asked_to_be_left_alone(
    arranged: Arranged, seconds: float | None
) -> None:
    arranged.is_unavailable(seconds)
    with pytest.raises(AIUnavailable) as caught:
        await arranged.transcriber.transcribe(PART, "key-1")
    assert caught.value.retry_after_seconds == seconds
    assert caught.value.detail


async def test_refused(arranged: Arranged) -> None:
    arranged.refuses()
    with pytest.raises(AIRefused):
        await arranged.transcriber.transcribe(PART, "key-1")


async def test_it_works_again_after_a_failure(arranged: Arranged) -> None:
    arranged.is_unavailable(None)
    arranged.hears("hello")
    with pytest.raises(AIUnavailable):
        await arranged.transcriber.transcribe(PART, "key-1")
    assert (await arranged.transcriber.transcribe(PART, "key-1")).text == "hello"


async def test_it_refuses_to_be_called_inside_a_unit_of_work(arranged: Arranged) -> None:
    arranged.hears("hello")
    with open_unit_of_work(), pytest.raises(RuntimeError, match="inside a unit of work"):
        await arranged.transcriber.transcribe(PART, "key-1")

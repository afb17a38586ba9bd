"""The promise of application.ports.Analyst, held against the real adapter and the fake."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import attrs
import pytest

from application.errors import AIRefused, AIUnavailable
from application.ports import Analyst
from application.unit_of_work import open_unit_of_work
from domain.analysis import Analysis, Sentiment, SentimentLabel
from tests.fakes.ai import FakeAnalyst
from tests.fakes.ai_provider import answer, completion
from tests.unit.ai.asking import TRANSCRIPT, asking_a_scripted_provider

CONCLUDED = Analysis("All went well.", Sentiment(SentimentLabel.POSITIVE, 0.75))


@attrs.frozen
class Arranged:
    """An analyst, and how to tell it what its next call meets."""

    analyst: Analyst
    concludes: Callable[[Analysis], None]
    is_unavailable: Callable[[float | None], None]
    refuses: Callable[[], None]


def fake() -> Arranged:
    analyst = FakeAnalyst()
    outcomes = analyst.outcomes
    return Arranged(
        analyst,
        concludes=outcomes.append,
        is_unavailable=lambda seconds: outcomes.append(AIUnavailable("busy", seconds)),
        refuses=lambda: outcomes.append(AIRefused("no")),
    )


def as_json(analysis: Analysis) -> dict[str, object]:
    sentiment = {"label": analysis.sentiment.label.value, "score": analysis.sentiment.score}
    return {"summary": analysis.summary, "sentiment": sentiment}


@pytest.fixture(params=["real", "fake"])
async def arranged(request: pytest.FixtureRequest) -> AsyncIterator[Arranged]:
    if request.param == "fake":
        yield fake()
        return
    async with asking_a_scripted_provider() as asking:
        will = asking.provider.will
        yield Arranged(
            asking.analyst(retry_attempts=1),
            concludes=lambda analysis: will(completion(as_json(analysis))),
            is_unavailable=lambda seconds: will(
                answer(503, b"", {} if seconds is None else {"Retry-After": f"{seconds:g}"})
            ),
            refuses=lambda: will(answer(401, b"")),
        )


async def test_it_gives_what_was_concluded(arranged: Arranged) -> None:
    arranged.concludes(CONCLUDED)
    assert await arranged.analyst.analyse(TRANSCRIPT, "key-1") == CONCLUDED


@pytest.mark.parametrize("seconds", [None, 90.0])
async def test_unavailable_says_how_long_it_asked_to_be_left_alone(
    arranged: Arranged, seconds: float | None
) -> None:
    arranged.is_unavailable(seconds)
    with pytest.raises(AIUnavailable) as caught:
        await arranged.analyst.analyse(TRANSCRIPT, "key-1")
    assert caught.value.retry_after_seconds == seconds
    assert caught.value.detail


async def test_refused(arranged: Arranged) -> None:
    arranged.refuses()
    with pytest.raises(AIRefused):
        await arranged.analyst.analyse(TRANSCRIPT, "key-1")


async def test_it_works_again_after_a_failure(arranged: Arranged) -> None:
    arranged.is_unavailable(None)
    arranged.concludes(CONCLUDED)
    with pytest.raises(AIUnavailable):
        await arranged.analyst.analyse(TRANSCRIPT, "key-1")
    assert await arranged.analyst.analyse(TRANSCRIPT, "key-1") == CONCLUDED


async def test_it_refuses_to_be_called_inside_a_unit_of_work(arranged: Arranged) -> None:
    arranged.concludes(CONCLUDED)
    with open_unit_of_work(), pytest.raises(RuntimeError, match="inside a unit of work"):
        await arranged.analyst.analyse(TRANSCRIPT, "key-1")

"""What the AI concluded."""

from __future__ import annotations

import math

import pytest

from domain.analysis import Analysis, Segment, Sentiment, SentimentLabel, Transcript
from domain.errors import InvalidValue


def test_a_text_calls_transcript_is_its_streams_as_they_were_sent() -> None:
    assert Transcript.of_text(["hel lo ", "wor\nld"]) == Transcript("hel lo \nwor\nld")


@pytest.mark.parametrize("streams", [[], [""], [" ", "\n"]])
def test_a_text_call_without_text_says_so(streams: list[str]) -> None:
    transcript = Transcript.of_text(streams)
    assert transcript.is_empty
    assert transcript.reason == "the call carried no text"


def test_parts_are_joined_by_time() -> None:
    caller = Segment(0.0, 1.0, " Hello? ", "caller")
    agent = Segment(1.0, 2.0, "Good day.", "agent")
    caller_again = Segment(1.0, 2.5, "Who is there?", "caller")
    joined = Transcript.joined(
        [Transcript("…", (caller, caller_again)), Transcript("", ()), Transcript("…", (agent,))]
    )
    assert joined == Transcript("Hello?\nGood day.\nWho is there?", (caller, agent, caller_again))


def test_parts_without_speech_are_an_empty_transcript_with_a_reason() -> None:
    joined = Transcript.joined([Transcript(" ", (Segment(0.0, 1.0, " ", "main"),))])
    assert joined == Transcript("", (), "no speech was recognised")
    assert joined.is_empty


@pytest.mark.parametrize("score", [-1, -0.25, 0, 1.0])
def test_a_sentiment_runs_from_minus_1_to_1(score: float) -> None:
    assert Sentiment(SentimentLabel.NEUTRAL, score).score == score


@pytest.mark.parametrize("score", [-1.01, 1.01, math.inf, math.nan])
def test_a_sentiment_out_of_bounds_is_refused(score: float) -> None:
    with pytest.raises(InvalidValue) as refusal:
        Sentiment(SentimentLabel.NEUTRAL, score)
    assert refusal.value.field == "sentiment.score"


def test_nothing_said_is_neutral() -> None:
    assert Analysis.of_nothing_said().sentiment == Sentiment(SentimentLabel.NEUTRAL, 0.0)

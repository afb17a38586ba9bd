"""What the simulated AI concludes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoints.simulators.ai.analysis import MAX_SUMMARY_CHARACTERS, analyse, judge, summarise
from entrypoints.simulators.ai.schema_fit import DoesNotFit, fit


@pytest.mark.parametrize(
    ("transcript", "label"),
    [
        ("I am really happy with it.", "positive"),
        ("I am not happy.", "negative"),
        ("The phone is broken, and the help was terrible!", "negative"),
        ("There was no problem at all.", "positive"),
        ("I would like to order one hundred computers.", "neutral"),
        ("It was great, it was terrible.", "neutral"),
        ("", "neutral"),
    ],
)
def test_the_sentiment_follows_the_words(transcript: str, label: str) -> None:
    assert judge(transcript).label == label


def test_the_summary_is_the_first_sentences() -> None:
    assert summarise("One is here.  Two\nis there. Three is gone.") == "One is here. Two is there."


@given(st.text())
def test_whatever_was_said_the_analysis_is_within_its_bounds(transcript: str) -> None:
    analysis = analyse(transcript)
    assert 0 < len(analysis.summary) <= MAX_SUMMARY_CHARACTERS
    assert -1 <= analysis.sentiment.score <= 1


def test_a_long_sentence_is_cut_at_a_word() -> None:
    summary = summarise("word " * 500)
    assert len(summary) <= MAX_SUMMARY_CHARACTERS
    assert summary.endswith("word…")


ANSWER = {"summary": "Hello there.", "sentiment": {"label": "neutral", "score": 0.0}}


@pytest.mark.parametrize(
    ("schema", "fitted"),
    [
        ({}, ANSWER),
        ({"properties": {"summary": {"type": "string"}}}, {"summary": "Hello there."}),
        ({"properties": {"summary": {"maxLength": 5}}}, {"summary": "Hello"}),
        (
            {
                "properties": {"sentiment": {"$ref": "#/$defs/Mood"}},
                "$defs": {"Mood": {"properties": {"label": {"enum": ["neutral"]}}, "required": ["label"]}},
            },
            {"sentiment": {"label": "neutral"}},
        ),
    ],
)
def test_an_answer_is_cut_to_its_schema(schema: dict[str, Any], fitted: dict[str, Any]) -> None:
    assert fit(ANSWER, schema) == fitted


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"topic": {}}, "required": ["topic"]},
        {"properties": {"sentiment": {"properties": {"label": {"enum": ["happy", "sad"]}}}}},
        {"properties": {"summary": {"$ref": "#/$defs/Nowhere"}}},
        {"properties": {"summary": 5}},
    ],
)
def test_a_schema_that_asks_for_something_else_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(DoesNotFit):
        fit(ANSWER, schema)

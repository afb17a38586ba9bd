"""A summary and a sentiment, by rules simple enough to foretell."""

from __future__ import annotations

import re
from typing import Any, Final

import attrs

MAX_SUMMARY_CHARACTERS: Final = 300
SUMMARY_SENTENCES: Final = 2
NEUTRAL_BELOW: Final = 0.2
WORDS_A_NEGATION_REACHES: Final = 3

POSITIVE_WORDS: Final = """
    appreciate excellent fantastic fixed friendly glad good great happy helpful helped love nice perfect
    pleased resolved satisfied solved thank thanks welcome wonderful
"""
NEGATIVE_WORDS: Final = """
    angry annoyed awful bad broken cancel complain complaint delayed disappointed fail failed hate horrible
    late lost poor problem refund rude sorry terrible unhappy upset useless worse worst wrong
"""
NEGATION_WORDS: Final = """
    no not never isn't wasn't aren't don't doesn't didn't can't won't without
"""
POSITIVE: Final = frozenset(POSITIVE_WORDS.split())
NEGATIVE: Final = frozenset(NEGATIVE_WORDS.split())
NEGATIONS: Final = frozenset(NEGATION_WORDS.split())


@attrs.frozen
class Sentiment:
    """``score`` from -1 to 1."""

    label: str
    score: float


@attrs.frozen
class Analysis:
    summary: str
    sentiment: Sentiment

    def as_json(self) -> dict[str, Any]:
        return attrs.asdict(self)


def analyse(transcript: str) -> Analysis:
    return Analysis(summarise(transcript), judge(transcript))


def summarise(transcript: str) -> str:
    """The first sentences, within MAX_SUMMARY_CHARACTERS."""
    one_line = " ".join(transcript.split())
    if not one_line:
        return "The call holds no words."
    sentences = re.split(r"(?<=[.!?])\s+", one_line)
    summary = " ".join(sentences[:SUMMARY_SENTENCES])
    if len(summary) <= MAX_SUMMARY_CHARACTERS:
        return summary
    return summary[: MAX_SUMMARY_CHARACTERS - 1].rpartition(" ")[0] + "…"


def judge(transcript: str) -> Sentiment:
    """Counts the words of the two lists; a negation just before a word turns it round."""
    words = re.findall(r"[a-z']+", transcript.lower())
    votes = []
    for place, word in enumerate(words):
        vote = (word in POSITIVE) - (word in NEGATIVE)
        if NEGATIONS.intersection(words[max(0, place - WORDS_A_NEGATION_REACHES) : place]):
            vote = -vote
        if vote:
            votes.append(vote)
    score = round(sum(votes) / len(votes), 2) if votes else 0.0
    if abs(score) < NEUTRAL_BELOW:
        return Sentiment("neutral", score)
    return Sentiment("positive" if score > 0 else "negative", score)

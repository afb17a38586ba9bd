"""An analysis model's answer, checked and made an analysis."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

import attrs

from adapters.ai.answer import ProviderAnswer
from adapters.ai.structuring import ENVELOPE, OURS, BadShape, structured
from adapters.ai.text import storable
from application.errors import AIRefused
from domain.analysis import Analysis

MAX_SUMMARY_CHARACTERS: Final = 4_000
MAX_CONTENT_CHARACTERS: Final = 64 * 1_024
MAX_OBJECTS_TRIED: Final = 100


@attrs.frozen
class _Message:
    content: str | None = None
    refusal: str | None = None


@attrs.frozen
class _Choice:
    message: _Message
    finish_reason: str | None = None


@attrs.frozen
class _Completion:
    choices: tuple[_Choice, ...]


def analysis_of(answer: ProviderAnswer) -> Analysis:
    """Raises AIUnavailable, also for what breaks the schema; AIRefused, also for a model that refused."""
    answer.require_ok()
    return _analysis_in(answer, _content(answer))


def _content(answer: ProviderAnswer) -> str:
    try:
        completion = structured(answer.json_object(), _Completion, ENVELOPE)
    except BadShape as error:
        raise answer.rubbish(f"is no completion ({error.path})") from None
    if not completion.choices:
        raise answer.rubbish("has no choices")
    choice = completion.choices[0]
    if choice.finish_reason == "content_filter":
        raise AIRefused("analysis: the service's content filter stopped it")
    if choice.message.refusal:
        raise AIRefused("analysis: the model refused")
    if choice.finish_reason == "length":
        raise answer.rubbish("was cut off at the model's limit")
    return choice.message.content or ""


def _analysis_in(answer: ProviderAnswer, content: str) -> Analysis:
    """The last object in the content that fits: a model may think aloud, or quote the call, before it."""
    path = "no JSON in it"
    for found in reversed(list(_objects(content[:MAX_CONTENT_CHARACTERS]))):
        try:
            analysis = structured(found, Analysis, OURS)
        except BadShape as error:
            path = error.path
            continue
        summary = storable(analysis.summary).strip()[:MAX_SUMMARY_CHARACTERS]
        if summary:
            return attrs.evolve(analysis, summary=summary)
        path = "$.summary is empty"
    raise answer.rubbish(f"breaks the schema ({path})")


def _objects(content: str) -> Iterator[object]:
    """The JSON objects in a text, the outermost ones, in order."""
    decoder = json.JSONDecoder()
    at = content.find("{")
    for _ in range(MAX_OBJECTS_TRIED):
        if at < 0:
            return
        try:
            found, end = decoder.raw_decode(content, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield found
        at = content.find("{", end)

"""The one table from errors to statuses, and what a client is told of each."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest
from aiohttp import web

from application import errors as trouble
from domain import errors as refused
from domain.call_state import CallState
from domain.errors import TrunklineError
from entrypoints.http.problems import STATUS_OF, UnreadableBody, problem_of
from entrypoints.http.structuring import MalformedBody
from entrypoints.http.wire import FieldProblem


def tree(of: type[TrunklineError]) -> Iterator[type[TrunklineError]]:
    yield of
    for kind in of.__subclasses__():
        yield from tree(kind)


def test_the_table_knows_every_class_of_the_tree_and_no_other() -> None:
    assert set(STATUS_OF) == set(tree(TrunklineError))


def test_what_may_be_sent_again_is_503() -> None:
    assert {STATUS_OF[kind] for kind in tree(trouble.TryAgain)} == {503}


def test_what_the_calls_own_story_forbids_is_409() -> None:
    assert {STATUS_OF[kind] for kind in tree(refused.CallConflict)} == {409}


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (refused.UnknownCall("c-1"), 404, "unknown-call"),
        (refused.CallClosed("c-1", CallState.ARCHIVED), 409, "call-closed"),
        (refused.SequenceConflict("c-1", "main", 5), 409, "sequence-conflict"),
        (refused.DataTooLarge("data", "is too large"), 413, "data-too-large"),
        (refused.StreamLimitReached("stream", "one too many"), 422, "stream-limit-reached"),
        (trouble.OutcomeUnknown(), 503, "outcome-unknown"),
        (UnreadableBody(415, "Unsupported media type", "send JSON"), 415, "unsupported-media-type"),
        (web.HTTPNotFound(), 404, "not-found"),
        (web.HTTPMethodNotAllowed("PUT", ["GET"]), 405, "method-not-allowed"),
    ],
)
def test_each_error_has_its_own_type(error: Exception, status: int, kind: str) -> None:
    problem = problem_of(error)
    assert (problem.status, problem.slug) == (status, kind)
    assert problem.title
    assert problem.detail


def test_a_bad_field_is_named() -> None:
    problem = problem_of(refused.InvalidValue("media.channels", "must be from 1 to 8"))
    assert problem.errors == (FieldProblem("media.channels", "must be from 1 to 8"),)
    several = [FieldProblem("a", "is required"), FieldProblem("b.c", "is required")]
    assert problem_of(MalformedBody(several)).errors == tuple(several)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("password=secret"),
        KeyError("secret"),
        TrunklineError("secret"),
        trouble.BatchRefused("secret"),
        trouble.AIUnavailable("secret"),
        trouble.CallStartedElsewhere("secret"),
    ],
)
def test_a_fault_of_ours_is_told_without_its_words(error: Exception) -> None:
    response = problem_of(error).response("request-1")
    assert response.status == 500
    assert isinstance(response.body, bytes)
    assert b"secret" not in response.body


def test_the_answer() -> None:
    response = problem_of(trouble.Overloaded()).response("request-1")
    assert response.status == 503
    assert response.content_type == "application/problem+json"
    assert response.headers["Retry-After"] == "1"
    assert isinstance(response.body, bytes)
    assert orjson.loads(response.body) == {
        "type": "urn:trunkline:problem:overloaded",
        "title": "Too many requests wait for the database already",
        "status": 503,
        "detail": "Too many requests wait for the database already",
        "instance": "request-1",
    }


def test_only_503_says_when_to_come_back() -> None:
    assert "Retry-After" not in problem_of(refused.UnknownCall("c-1")).response("request-1").headers

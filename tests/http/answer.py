"""An answer, read to its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import orjson

PROBLEM_JSON = "application/problem+json"


@attrs.frozen
class Answer:
    """``headers`` are looked up without regard to case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        return self.headers.get("Content-Type", "").partition(";")[0]

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


def assert_problem(answer: Answer, status: int, *paths: str) -> None:
    """It is a problem of RFC 9457 with this status, and these are the fields that it names."""
    assert answer.status == status, answer.body
    assert answer.media_type == PROBLEM_JSON
    problem = answer.json
    assert problem.keys() - {"errors"} == {"type", "title", "status", "detail", "instance"}
    assert problem["type"].startswith("urn:trunkline:problem:")
    assert problem["title"]
    assert problem["detail"]
    assert problem["status"] == status
    assert problem["instance"] == answer.headers["X-Request-ID"]
    assert ("Retry-After" in answer.headers) == (status == 503)
    named = [error["path"] for error in problem.get("errors", ())]
    assert named == list(paths)
    assert all(error["detail"] for error in problem.get("errors", ()))

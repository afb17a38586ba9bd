"""Errors as RFC 9457 problem details: one table from what went wrong to what the client is told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import attrs
import orjson
from aiohttp import web

from application import errors as trouble
from domain import errors as refused
from domain.errors import TrunklineError
from entrypoints.http.origins import ForeignOrigin
from entrypoints.http.structuring import MalformedBody
from entrypoints.http.wire import FieldProblem

PROBLEM_JSON: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = "1"

STATUS_OF: Final[Mapping[type[TrunklineError], int]] = {
    TrunklineError: 500,
    refused.InvalidValue: 422,
    refused.DataTooLarge: 413,
    refused.StreamLimitReached: 422,
    refused.UnknownCall: 404,
    refused.UnknownStream: 404,
    refused.DeliveryRefused: 409,
    refused.CallConflict: 409,
    refused.CallDiffers: 409,
    refused.CallClosed: 409,
    refused.SequenceConflict: 409,
    refused.IllegalTransition: 409,
    refused.RunSuperseded: 409,
    refused.NoAudio: 409,
    refused.AudioDropped: 409,
    trouble.UnknownBatch: 404,
    trouble.TryAgain: 503,
    trouble.Overloaded: 503,
    trouble.Draining: 503,
    trouble.StorageUnavailable: 503,
    trouble.OutcomeUnknown: 503,
    trouble.SpoolUnavailable: 503,
    trouble.OthersFirst: 503,
    # These never leave the use cases; should one, it is a fault of ours.
    trouble.CallStartedElsewhere: 500,
    trouble.RoomMade: 500,
    trouble.BatchRefused: 500,
    trouble.AIError: 500,
    trouble.AIUnavailable: 500,
    trouble.AIRefused: 500,
}


class UnreadableBody(Exception):
    """A body that was not even read to its end, or is not JSON. ``status`` says which."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail


@attrs.frozen
class ProblemDetails:
    slug: str
    title: str
    status: int
    detail: str
    errors: tuple[FieldProblem, ...] = ()
    headers: Mapping[str, str] = {}

    def response(self, request_id: str) -> web.Response:
        body: dict[str, object] = {
            "type": f"urn:trunkline:problem:{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": request_id,
        }
        if self.errors:
            body["errors"] = [attrs.asdict(error) for error in self.errors]
        headers = dict(self.headers)
        if self.status == 503:
            headers["Retry-After"] = RETRY_AFTER_SECONDS
        return web.Response(
            status=self.status, body=orjson.dumps(body), content_type=PROBLEM_JSON, headers=headers
        )


_HTTP_DETAILS: Final[Mapping[int, str]] = {
    404: "nothing lives at this path",
    412: "it is not the version that If-Match names",
    416: "no byte of it is in this range",
}

INTERNAL_ERROR: Final = ProblemDetails(
    "internal-error", "Trunkline failed at this", 500, "the fault is logged under this request's id"
)

CLIENT_GONE: Final = ProblemDetails(
    "client-gone", "The client hung up", 499, "the connection was lost before the answer was sent"
)
"""For the log and the numbers, under the status that nginx gave it: nobody is there to be told."""


def problem_of(error: Exception) -> ProblemDetails:
    """What a client is told of an error; of one that is no client's business, only that it happened."""
    if isinstance(error, MalformedBody):
        return ProblemDetails(
            "malformed-request", "The request has bad fields", 422, str(error), tuple(error.errors)
        )
    if isinstance(error, UnreadableBody):
        return ProblemDetails(_slug(error.title), error.title, error.status, error.detail)
    if isinstance(error, ForeignOrigin):
        return ProblemDetails("foreign-origin", "A page of another site asks", 403, error.detail)
    if isinstance(error, refused.DeliveryRefused):
        return _of_refused_delivery(error)
    if isinstance(error, TrunklineError):
        return _of_trunkline_error(error)
    if isinstance(error, web.HTTPException):
        return ProblemDetails(
            _slug(error.reason), error.reason, error.status, _http_detail(error), headers=_http_headers(error)
        )
    return INTERNAL_ERROR


def _of_trunkline_error(error: TrunklineError) -> ProblemDetails:
    status = STATUS_OF[type(error)]
    if status == 500:
        return INTERNAL_ERROR
    errors: tuple[FieldProblem, ...] = ()
    if isinstance(error, refused.InvalidValue):
        errors = (FieldProblem(error.field, error.problem),)
    return ProblemDetails(_slug(type(error).__name__), type(error).title(), status, error.detail, errors)


def _of_refused_delivery(error: refused.DeliveryRefused) -> ProblemDetails:
    """Each refusal under the number of its line; a bad value weighs more than a conflict."""
    errors = tuple(
        FieldProblem(f"{place + 1}.{refusal.field}", refusal.problem)
        if isinstance(refusal, refused.InvalidValue)
        else FieldProblem(str(place + 1), refusal.detail)
        for place, refusal in error.refusals.items()
    )
    status = max(STATUS_OF[type(refusal)] for refusal in error.refusals.values())
    return ProblemDetails(_slug(type(error).__name__), error.title(), status, error.detail, errors)


def _http_detail(error: web.HTTPException) -> str:
    if isinstance(error, web.HTTPMethodNotAllowed):
        return f"this path takes {', '.join(sorted(error.allowed_methods))}"
    return _HTTP_DETAILS.get(error.status, error.reason)


def _http_headers(error: web.HTTPException) -> dict[str, str]:
    """What the status says in a header, and not what aiohttp would put beside its own body."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        return {"Allow": ", ".join(sorted(error.allowed_methods))}
    return {name: error.headers[name] for name in ("Content-Range",) if name in error.headers}


def _slug(title: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", title)
    return "-".join(re.findall(r"[a-z0-9]+", words.lower()))

"""Around every request: its id, its errors as problems, its line in the log and its numbers."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Collection
from itertools import count
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from adapters.metrics.prometheus import PrometheusMetrics
from application.errors import Draining
from entrypoints.http.health import Readiness
from entrypoints.http.problems import CLIENT_GONE, ProblemDetails, problem_of

REQUEST_ID: Final = "X-Request-ID"
_ID: Final = web.RequestKey("id", str)
_BEGUN: Final = web.RequestKey("begun", web.StreamResponse)
_GIVEN_ID: Final = re.compile(r"[A-Za-z0-9._:@-]{1,128}")
_UNMATCHED: Final = "unmatched"
_PROCESS: Final = uuid.uuid4().hex[:12]
_numbers: Final = count(1)

log = structlog.get_logger("trunkline.http")


def request_log(
    metrics: PrometheusMetrics, readiness: Readiness, packet_route: str, unlogged: Collection[str]
) -> Middleware:
    """``packet_route`` is the one whose acknowledgements are timed.

    The routes of ``unlogged``, called all the time, leave a line only where they fail.
    """

    @web.middleware
    async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.perf_counter()
        request[_ID] = _id_of(request)
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else _UNMATCHED
        method = request.method if resource is not None else _UNMATCHED  # anyone can make methods up
        fault: Exception | None = None
        try:
            if readiness.draining and request.method == "POST":
                raise Draining
            response = await handler(request)
            status = response.status
        except Exception as error:  # every error becomes a problem, a fault of ours too
            problem = _problem(request, error)
            response, status = _told(request, problem), problem.status
            fault = error if status == 500 else None
        if readiness.draining and not response.prepared:
            response.force_close()
        seconds = time.perf_counter() - began
        metrics.request_answered(method, route, status)
        if route == packet_route and status == 202:
            metrics.packet_acknowledged(seconds)
        if status >= 400 or route not in unlogged:
            _write(request, route, status, seconds, fault)
        return response

    return around


async def name_request(request: web.Request, response: web.StreamResponse) -> None:
    """For `on_response_prepare`: every answer shows its request's id."""
    response.headers[REQUEST_ID] = request[_ID]
    request[_BEGUN] = response


def _id_of(request: web.Request) -> str:
    given = request.headers.get(REQUEST_ID)
    return given if given and _GIVEN_ID.fullmatch(given) else f"{_PROCESS}-{next(_numbers):x}"


def _problem(request: web.Request, error: Exception) -> ProblemDetails:
    if isinstance(error, ConnectionError) and request.transport is None:
        return CLIENT_GONE
    return problem_of(error)


def _told(request: web.Request, problem: ProblemDetails) -> web.StreamResponse:
    """The problem as an answer, or the end of the connection where another answer was begun."""
    begun: web.StreamResponse | None = request.get(_BEGUN)
    if begun is None:
        return problem.response(request[_ID])
    if request.transport is not None:
        request.transport.abort()
    return begun


def _write(request: web.Request, route: str, status: int, seconds: float, fault: Exception | None) -> None:
    write = log.error if status == 500 else log.warning if status >= 500 else log.info
    write(
        "request",
        request_id=request[_ID],
        call_id=request.match_info.get("call_id"),
        method=request.method,
        route=route,
        status=status,
        duration_ms=round(seconds * 1000, 2),
        exc_info=fault,
    )

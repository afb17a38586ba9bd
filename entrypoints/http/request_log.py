"""Around every request: its id, its errors as problems, its line in the log and its numbers."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Collection
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from adapters.metrics.prometheus import PrometheusMetrics
from application.errors import Draining
from entrypoints.http.health import Readiness
from entrypoints.http.problems import problem_of

REQUEST_ID: Final = "X-Request-ID"
_GIVEN_ID: Final = re.compile(r"[A-Za-z0-9._:@-]{1,128}")
_UNMATCHED: Final = "unmatched"

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
        request_id = _request_id(request)
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else _UNMATCHED
        fault: Exception | None = None
        try:
            if readiness.draining and request.method == "POST":
                raise Draining
            response = await handler(request)
        except Exception as error:  # every error becomes a problem, a fault of ours too
            problem = problem_of(error)
            response = problem.response(request_id)
            if isinstance(error, web.HTTPMethodNotAllowed):
                response.headers["Allow"] = ", ".join(sorted(error.allowed_methods))
            fault = error if problem.status == 500 else None
        if not response.prepared:
            response.headers[REQUEST_ID] = request_id
            if readiness.draining:
                response.force_close()
        seconds = time.perf_counter() - began
        metrics.request_answered(request.method, route, response.status)
        if route == packet_route and response.status == 202:
            metrics.packet_acknowledged(seconds)
        if response.status >= 400 or route not in unlogged:
            _write(request, request_id, route, response.status, seconds, fault)
        return response

    return around


def _request_id(request: web.Request) -> str:
    given = request.headers.get(REQUEST_ID)
    return given if given and _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex


def _write(
    request: web.Request, request_id: str, route: str, status: int, seconds: float, fault: Exception | None
) -> None:
    write = log.error if status == 500 else log.warning if status >= 500 else log.info
    write(
        "request",
        request_id=request_id,
        call_id=request.match_info.get("call_id"),
        method=request.method,
        route=route,
        status=status,
        duration_ms=round(seconds * 1000, 2),
        exc_info=fault,
    )

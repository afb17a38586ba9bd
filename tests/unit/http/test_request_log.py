"""What happens around every request."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestServer
from structlog.testing import capture_logs

from adapters.metrics.prometheus import PrometheusMetrics
from application.errors import StorageUnavailable
from application.spool import Spool
from entrypoints.http.health import Readiness
from entrypoints.http.request_log import name_request, request_log
from tests.fakes.journal import FakeJournal

PATIENCE = aiohttp.ClientTimeout(total=10)


async def fine(request: web.Request) -> web.Response:
    return web.Response(text="fine")


async def faulty(request: web.Request) -> web.Response:
    raise RuntimeError("secret")


async def breaks_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    response.content_length = 1000
    await response.prepare(request)
    await response.write(b"half")
    raise StorageUnavailable


@pytest.fixture
def metrics() -> PrometheusMetrics:
    return PrometheusMetrics()


@pytest.fixture
async def server(metrics: PrometheusMetrics) -> AsyncIterator[BaseTestServer]:
    middleware = request_log(metrics, Readiness({}, Spool(FakeJournal())), "/packet", {"/quiet", "/packet"})
    application = web.Application(middlewares=[middleware])
    application.on_response_prepare.append(name_request)
    for path, handler in (("/fine", fine), ("/quiet", fine), ("/faulty", faulty), ("/half", breaks_off)):
        application.router.add_get(path, handler)
    async with TestServer(application) as server:
        yield server


@pytest.fixture
async def session(server: BaseTestServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.make_url("/"), timeout=PATIENCE) as session:
        yield session


def counted(metrics: PrometheusMetrics, route: str, status: int) -> float | None:
    labels = {"method": "GET", "route": route, "status": str(status)}
    return metrics.registry.get_sample_value("trunkline_http_requests_total", labels)


async def test_an_answer_that_cannot_be_finished_is_cut_and_not_followed_by_another(
    session: aiohttp.ClientSession, metrics: PrometheusMetrics
) -> None:
    with capture_logs() as logs:
        async with session.get("/half") as response:
            assert response.status == 200
            assert "X-Request-ID" in response.headers
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()
    assert [(line["status"], line["log_level"]) for line in logs] == [(503, "warning")]
    assert counted(metrics, "/half", 503) == 1


async def test_a_fault_is_logged_under_the_id_that_the_client_is_told(
    session: aiohttp.ClientSession, metrics: PrometheusMetrics
) -> None:
    with capture_logs() as logs:
        async with session.get("/faulty") as response:
            problem = await response.json(content_type="application/problem+json")
    assert problem["status"] == 500
    assert "secret" not in str(problem)
    (line,) = logs
    assert line["log_level"] == "error"
    assert line["request_id"] == problem["instance"] == response.headers["X-Request-ID"]
    assert isinstance(line["exc_info"], RuntimeError)


async def test_what_is_called_all_the_time_leaves_no_line(session: aiohttp.ClientSession) -> None:
    with capture_logs() as logs:
        for path in ("/fine", "/quiet", "/nowhere"):
            async with session.get(path):
                pass
    assert [(line["route"], line["status"]) for line in logs] == [("/fine", 200), ("unmatched", 404)]

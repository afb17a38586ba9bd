"""The aiohttp application."""

from __future__ import annotations

from collections.abc import Collection

from aiohttp import web

from adapters.metrics.prometheus import PrometheusMetrics
from entrypoints.http.bodies import MAX_BODY_BYTES, meet_expectation
from entrypoints.http.feed import FeedHandlers
from entrypoints.http.health import HealthHandlers, Readiness
from entrypoints.http.ingestion import IngestionHandlers
from entrypoints.http.openapi import DocumentHandlers
from entrypoints.http.packet_socket import PacketSocketHandlers
from entrypoints.http.page import ASSET_ROUTE, PAGE_ROUTE, PageHandlers
from entrypoints.http.reading import ReadingHandlers
from entrypoints.http.request_log import name_request, request_log
from entrypoints.http.routes import (
    OPERATION,
    PACKET_ROUTE,
    Route,
    health_routes,
    ingestion_routes,
    reading_routes,
    spool_routes,
    supervision_routes,
)
from entrypoints.http.spool_refusals import SpoolRefusalHandlers
from entrypoints.http.supervision import SupervisionHandlers


def api_application(
    ingestion: IngestionHandlers,
    socket: PacketSocketHandlers,
    reading: ReadingHandlers,
    supervision: SupervisionHandlers,
    feed: FeedHandlers,
    spool_refusals: SpoolRefusalHandlers,
    health: HealthHandlers,
    readiness: Readiness,
    metrics: PrometheusMetrics,
) -> web.Application:
    """Everything that a PBX, a person and a monitor call."""
    routes = (
        *ingestion_routes(ingestion, socket),
        *reading_routes(reading),
        *supervision_routes(supervision, feed),
        *spool_routes(spool_refusals),
        *health_routes(health),
    )
    application = _application(routes, readiness, metrics)
    application.on_shutdown.append(socket.close_all)
    application.on_shutdown.append(feed.end_all)
    documents = DocumentHandlers(routes)
    application.router.add_get("/openapi.json", documents.openapi)
    application.router.add_get("/docs", documents.docs)
    page = PageHandlers()
    application.router.add_get(PAGE_ROUTE, page.page)
    application.router.add_get(ASSET_ROUTE, page.asset)
    return application


def health_application(
    health: HealthHandlers, readiness: Readiness, metrics: PrometheusMetrics
) -> web.Application:
    """What a monitor calls, for a process that serves nothing else."""
    return _application(health_routes(health), readiness, metrics)


def _application(
    routes: Collection[Route], readiness: Readiness, metrics: PrometheusMetrics
) -> web.Application:
    unlogged = {PACKET_ROUTE, *(route.path for route in routes if route.tag == OPERATION)}
    application = web.Application(
        middlewares=[request_log(metrics, readiness, PACKET_ROUTE, unlogged)],
        client_max_size=MAX_BODY_BYTES,
    )
    application.on_response_prepare.append(name_request)
    for route in routes:
        application.router.add_route(route.method, route.path, route.handler, expect_handler=meet_expectation)
    return application

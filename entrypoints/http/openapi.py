"""OpenAPI 3.1, made from the routes and the types that the handlers use, and Swagger UI to read it with."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

import msgspec
import orjson
from aiohttp import web
from offapi import OpenAPITemplate

from domain import __version__
from entrypoints.http import wire
from entrypoints.http.problems import PROBLEM_JSON
from entrypoints.http.routes import Answer, Route

_REFERENCES: Final = "#/components/schemas/{name}"


def openapi_document(routes: Iterable[Route]) -> dict[str, Any]:
    table = list(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in table:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Trunkline",
            "version": __version__,
            "description": "Takes a PBX's calls in durable packets and has AI transcribe, summarise and "
            "score them. A 2xx is a promise: what was acknowledged is never lost.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": _schemas(table)},
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.operation_id,
        "summary": route.summary,
        "tags": [route.tag],
        "responses": _responses(route),
    }
    parameters = [*_path_parameters(route), *_query_parameters(route), *_header_parameters(route)]
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        content: dict[str, Any] = {"application/json": {"schema": _reference(route.body)}}
        if route.body_lines is not None:
            lines = f"One {route.body.__name__} a line."
            content[route.body_lines] = {"schema": {"type": "string", "description": lines}}
        operation["requestBody"] = {"required": not route.body_is_optional, "content": content}
    return operation


def _responses(route: Route) -> dict[str, Any]:
    responses = {status: _answer(status, kind, route) for status, kind in route.answers.items()}
    responses |= {status: _problem(status) for status in sorted(route.problems)}
    for status, headers in route.answer_headers.items():
        responses[status].setdefault("headers", {}).update(
            {name: _header(header.meaning, header.always) for name, header in headers.items()}
        )
    if route.method == "HEAD":
        for response in responses.values():
            response.pop("content", None)
    return {str(status): response for status, response in responses.items()}


def _answer(status: int, answer: Answer, route: Route) -> dict[str, Any]:
    described: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if route.events is not None:  # OpenAPI 3.1 has no words of its own for events
        described["x-events"] = {name: _reference(kind) for name, kind in route.events.items()}
    if isinstance(answer, str):
        described["content"] = {answer: {}}
    elif isinstance(answer, tuple):
        described["content"] = {
            "application/json": {"schema": {"anyOf": [_reference(kind) for kind in answer]}}
        }
    elif answer is not None:
        described["content"] = {"application/json": {"schema": _reference(answer)}}
    return described


def _problem(status: int) -> dict[str, Any]:
    problem: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "content": {PROBLEM_JSON: {"schema": _reference(wire.Problem)}},
    }
    if status == 503:
        problem["headers"] = {"Retry-After": _header("seconds", always=True, kind="integer")}
    return problem


def _header(meaning: str, always: bool, kind: str = "string") -> dict[str, Any]:
    return {"description": meaning, "required": always, "schema": {"type": kind}}


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _inline(kind)}
        for name, kind in route.path_parameters.items()
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    _, components = _components([route.query])
    properties = components[route.query.__name__]["properties"]
    return [
        {"name": name, "in": "query", "required": False, "schema": _without_null(schema)}
        for name, schema in properties.items()
    ]


def _header_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "header",
            "required": False,
            "description": meaning,
            "schema": {"type": "string"},
        }
        for name, meaning in route.headers.items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query parameter is left out or given; it is never null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    return kinds[0]  # type: ignore[no-any-return] # a schema in a schema


def _schemas(routes: Iterable[Route]) -> dict[str, Any]:
    kinds: list[type] = [wire.Problem]
    requests: set[str] = set()
    for route in routes:
        for answer in route.answers.values():
            if isinstance(answer, tuple):
                kinds += answer
            elif isinstance(answer, type):
                kinds.append(answer)
        if route.query is not None:
            kinds.append(route.query)
        kinds += (route.events or {}).values()
        if route.body is not None:
            kinds.append(route.body)
            requests |= _components([route.body])[1].keys()
    _, schemas = _components(kinds)
    for name in requests:
        if schemas[name].get("type") == "object":
            schemas[name]["additionalProperties"] = False
    return {name: schemas[name] for name in sorted(schemas) if not name.endswith("Query")}


def _components(kinds: list[type]) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    return msgspec.json.schema_components(kinds, ref_template=_REFERENCES)


def _inline(kind: Any) -> dict[str, Any]:
    return msgspec.json.schema(kind)


def _reference(kind: type) -> dict[str, str]:
    return {"$ref": _REFERENCES.format(name=kind.__name__)}


class DocumentHandlers:
    """Both made once: the routes of a running process do not change."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._document = orjson.dumps(openapi_document(routes), option=orjson.OPT_INDENT_2)
        self._page = OpenAPITemplate.SWAGGER.value.format(spec_url="openapi.json")

    async def openapi(self, request: web.Request) -> web.Response:
        return web.Response(body=self._document, content_type="application/json")

    async def docs(self, request: web.Request) -> web.Response:
        return web.Response(text=self._page, content_type="text/html")

"""The OpenAPI document, and the page that shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema  # type: ignore[import-untyped] # it comes without types
import pytest

from tests.http.described_client import DescribedClient
from tests.http.description import Description

CONTRACT_ROUTES = {
    "/v1/call/init": {"post"},
    "/v1/call/stream/{call_id}": {"post"},
    "/v1/call/stream/{call_id}/ws": {"get"},
    "/v1/call/complete/{call_id}": {"post"},
    "/v1/calls/{call_id}/reprocess": {"post"},
    "/v1/calls": {"get"},
    "/v1/calls/{call_id}": {"get"},
    "/v1/calls/{call_id}/packets": {"get"},
    "/v1/calls/{call_id}/audio.wav": {"get", "head"},
    "/v1/calls/{call_id}/waveform": {"get"},
    "/v1/events": {"get"},
    "/v1/events/ws": {"get"},
    "/v1/failures": {"get"},
    "/v1/reprocess": {"get", "post"},
    "/v1/reprocess/{batch_id}": {"get"},
    "/v1/spool/refusals": {"get"},
    "/livez": {"get"},
    "/readyz": {"get"},
    "/metrics": {"get"},
}


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from methods.values()


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for inner in part.values():
            yield from references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from references(inner)


async def test_it_is_served_as_json(client: DescribedClient) -> None:
    answer = await client.get("/openapi.json")
    assert answer.status == 200
    assert answer.media_type == "application/json"
    assert answer.json["openapi"] == "3.1.0"
    assert answer.json["info"].keys() >= {"title", "version"}


def test_every_route_of_the_contract_is_described(description: Description) -> None:
    described = {path: set(methods) for path, methods in description.document["paths"].items()}
    assert described == CONTRACT_ROUTES


def test_every_schema_is_one(description: Description) -> None:
    for schema in description.document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for operation in operations(description.document):
        for parameter in operation.get("parameters", ()):
            jsonschema.Draft202012Validator.check_schema(parameter["schema"])


def test_every_reference_leads_somewhere_and_every_schema_is_referred_to(description: Description) -> None:
    schemas = description.document["components"]["schemas"]
    found = {
        reference.removeprefix("#/components/schemas/") for reference in references(description.document)
    }
    assert found == set(schemas)


def test_operations_are_complete(description: Description) -> None:
    ids = [operation["operationId"] for operation in operations(description.document)]
    assert len(ids) == len(set(ids))
    for path, methods in description.document["paths"].items():
        for method, operation in methods.items():
            in_path = [found["name"] for found in operation.get("parameters", ()) if found["in"] == "path"]
            assert in_path == re.findall(r"\{(\w+)\}", path)
            assert operation["summary"]
            assert all(answer["description"] for answer in operation["responses"].values())
            assert ("requestBody" in operation) <= (method == "post")
            assert "500" not in operation["responses"]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ("InitRequest", {"call_id": "c-1", "metadata": {"from": "+15551234"}}),
        (
            "InitRequest",
            {
                "call_id": "c-1",
                "media": {"encoding": "audio/x-mulaw", "sample_rate_hz": 8000, "channels": 1},
                "metadata": {"from": "+15551234", "to": "200"},
            },
        ),
        ("PacketRequest", {"sequence": 1, "data": "…", "timestamp": 1700000000.02, "stream": "main"}),
        (
            "PacketAnswer",
            {
                "status": "accepted",
                "call_id": "c-1",
                "stream": "main",
                "sequence": 1,
                "next_expected": 2,
                "missing": [],
            },
        ),
        ("CompleteRequest", {"final_sequence": {"main": 500}}),
        (
            "CompleteAnswer",
            {"status": "completed", "call_id": "c-1", "state": "COMPLETED", "missing": {"main": [[17, 17]]}},
        ),
        ("ReprocessManyRequest", {"call_ids": ["c-1", "c-2"]}),
        ("ReprocessManyRequest", {"failure_reason": "ai_unavailable", "per_second": 20}),
        ("ReprocessManyRequest", {"all_failed": True, "per_second": 0.5}),
        (
            "CallEvent",
            {
                "call_id": "c-1",
                "version": 4,
                "event": "run_failed",
                "at": "2026-11-24T12:17:32.682871+00:00",
                "state": "PROCESSING_AI",
                "detail": {"run": 1, "detail": "HTTP 503", "next_run_at": "2026-11-24T12:18:32+00:00"},
            },
        ),
    ],
)
def test_the_contracts_own_examples_fit(description: Description, schema: str, value: Any) -> None:
    description.check_schema(schema, value)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ("InitRequest", {"call_id": "a b"}),
        ("InitRequest", {}),
        ("InitRequest", {"call_id": "c-1", "colour": "red"}),
        ("PacketRequest", {"sequence": 1.5, "data": "", "timestamp": 1}),
        ("PacketRequest", {"sequence": 2**53, "data": "", "timestamp": 1}),
        ("PacketRequest", {"sequence": 1, "data": "", "timestamp": 1, "stream": "a/b"}),
        ("CompleteRequest", {"final_sequence": {"main": -1}}),
        ("ReprocessManyRequest", {"call_ids": []}),
        ("ReprocessManyRequest", {"failure_reason": "bad_luck"}),
        ("ReprocessManyRequest", {"all_failed": True, "per_second": 0}),
    ],
)
def test_what_the_service_refuses_does_not_fit(description: Description, schema: str, value: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        description.check_schema(schema, value)


async def test_the_page_needs_nothing_from_elsewhere(client: DescribedClient) -> None:
    answer = await client.get("/docs")
    assert answer.status == 200
    assert answer.media_type == "text/html"
    page = answer.body.decode()
    markup = re.sub(r"<(script|style)\b([^>]*)>.*?</\1>", r"<\1\2></\1>", page, flags=re.DOTALL)
    assert "<script" in markup
    assert "openapi.json" in page
    referred = re.findall(r"""<(?:script|link|img|iframe)[^>]*?(?:src|href)=["']?([^"'>]*)""", markup)
    assert [link for link in referred if not link.startswith("data:")] == []
    styles = "".join(re.findall(r"<style\b[^>]*>(.*?)</style>", page, flags=re.DOTALL))
    assert "@import" not in styles
    loaded = re.findall(r"""url\(["']?([^"')]*)""", styles)
    assert [link for link in loaded if not link.startswith(("data:", "#"))] == []

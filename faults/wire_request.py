"""A planned request as it goes over the wire."""

from __future__ import annotations

from typing import Any

import attrs
import orjson

from faults.history import Action


@attrs.frozen
class WireRequest:
    method: str
    path: str
    payload: bytes = b""
    content_type: str = "application/json"


def wire_request(action: Action, call_id: str, body: dict[str, Any]) -> WireRequest:
    match action:
        case "init":
            return WireRequest("POST", "/v1/call/init", orjson.dumps(body))
        case "packet":
            return WireRequest("POST", f"/v1/call/stream/{call_id}", orjson.dumps(body))
        case "delivery":
            lines = b"\n".join(orjson.dumps(packet) for packet in body["packets"])
            return WireRequest("POST", f"/v1/call/stream/{call_id}", lines, "application/x-ndjson")
        case "complete":
            return WireRequest("POST", f"/v1/call/complete/{call_id}", orjson.dumps(body))
        case "read":
            return WireRequest("GET", f"/v1/calls/{call_id}")

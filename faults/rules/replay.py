"""Requests that were acknowledged as spooled and then refused on replay: kept and shown, not carried out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import orjson

from faults.history import Request
from faults.observed import SpoolRefusal


def with_refusals_on_replay(requests: Sequence[Request], refusals: Sequence[SpoolRefusal]) -> list[Request]:
    """Each of them marked: from there it counts as refused, so that nothing of it may be stored."""
    refused = {(refusal.call_id, _content(refusal.entry)) for refusal in refusals}
    return [
        attrs.evolve(request, refused_on_replay=True)
        if request.is_spooled and (request.attempt.call_id, _content(_entry(request))) in refused
        else request
        for request in requests
    ]


def _entry(request: Request) -> dict[str, Any]:
    """As the service keeps it in the table ``spool_refusals``."""
    body = request.attempt.body
    match request.attempt.action:
        case "init":
            return {"media": body.get("media"), "metadata": body.get("metadata")}
        case "packet":
            return {"packets": [_packet(body)]}
        case "delivery":
            return {"packets": [_packet(packet) for packet in body["packets"]]}
        case "complete":
            return {"final_sequence": body.get("final_sequence", {})}
        case "read":
            return {}


def _packet(body: dict[str, Any]) -> dict[str, Any]:
    named = {"stream": body.get("stream", "main"), "sequence": body["sequence"]}
    return named | {"timestamp": float(body["timestamp"]), "text": body["data"]}


def _content(entry: dict[str, Any]) -> bytes:
    return orjson.dumps(entry, option=orjson.OPT_SORT_KEYS)

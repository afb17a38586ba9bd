"""Requests that were acknowledged as spooled and then refused on replay: kept and shown, not carried out."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import orjson

from faults.history import Request
from faults.observed import SpoolRefusal

PacketId = tuple[str, str, int, str]
"""Call, stream, sequence and data: a text, or raw data in base64."""

Piece = PacketId | tuple[str, bytes]
"""A packet; or a call's init or completion."""


def with_refusals_on_replay(requests: Sequence[Request], refusals: Sequence[SpoolRefusal]) -> list[Request]:
    """Each of them marked: from there it counts as refused, so that nothing of it may be stored.

    A packet that came over a WebSocket shares its entry with others, and may be in several if it was sent
    again. Which of them was refused cannot be told, so it counts as not answered.
    """
    entries = {(refusal.call_id, _content(refusal.entry)) for refusal in refusals}
    packets = {packet for refusal in refusals for packet in _packets_kept(refusal)}
    return [_judged(request, entries, packets) if request.is_spooled else request for request in requests]


def _judged(request: Request, entries: set[tuple[str, bytes]], packets: set[PacketId]) -> Request:
    if request.attempt.over == "websocket":
        is_among_them = not packets.isdisjoint(_ways_to_keep(request))
        return attrs.evolve(request, outcome=None, answered_at_line=None) if is_among_them else request
    is_refused = (request.attempt.call_id, _content(_entry(request))) in entries
    return attrs.evolve(request, refused_on_replay=True) if is_refused else request


def _packets_kept(refusal: SpoolRefusal) -> Iterator[PacketId]:
    for packet in refusal.entry.get("packets", ()):
        data = packet["text"] if "text" in packet else packet["raw"]
        yield refusal.call_id, packet["stream"], packet["sequence"], data


def _ways_to_keep(request: Request) -> Iterator[PacketId]:
    """It went as text, or raw, of a text call or of one that is in base64 here."""
    body = request.attempt.body
    for data in (body["data"], base64.b64encode(body["data"].encode()).decode()):
        yield request.attempt.call_id, body["stream"], body["sequence"], data


def pieces_of(request: Request) -> list[Piece]:
    """All that the service may keep of it, in each way in which it may; nothing of a read."""
    if request.attempt.over == "websocket":
        return list(_ways_to_keep(request))
    return pieces_of_entry(request.attempt.call_id, _entry(request))


def pieces_of_entry(call_id: str, entry: dict[str, Any]) -> list[Piece]:
    if "packets" in entry:
        return list(_packets_kept(SpoolRefusal(call_id, entry)))
    return [(call_id, _content(entry))] if entry else []


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

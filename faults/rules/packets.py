"""No packet lost, none made up, each once and with its bytes, nothing from what was only refused."""

from __future__ import annotations

import binascii
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import attrs

from faults.history import Request
from faults.observed import Observed
from faults.violation import Violation

TEXT: Final = "text/plain"


class Key(NamedTuple):
    call_id: str
    stream: str
    sequence: int

    def __str__(self) -> str:
        return f"packet {self.sequence} of stream {self.stream!r} of call {self.call_id!r}"


@attrs.frozen
class Tried:
    """A packet in a request, alone or among others; ``data`` is None where it stands for no bytes at all."""

    key: Key
    data: bytes | None
    request: Request


def packet_violations(requests: Sequence[Request], observed: Observed) -> Iterator[Violation]:
    tried: dict[Key, list[Tried]] = defaultdict(list)
    for packet in packets_tried(requests):
        tried[packet.key].append(packet)
    rows: dict[Key, list[bytes]] = defaultdict(list)
    for row in observed.packets:
        rows[Key(row.call_id, row.stream, row.sequence)].append(row.data)
    for key, attempts in tried.items():
        yield from _of_acknowledged(key, attempts, rows.get(key, []))
    for key, stored in rows.items():
        if len(stored) > 1:
            yield Violation("packet_stored_twice", str(key))
        yield from _of_stored(key, stored[0], tried.get(key, []))
    yield from _of_streams(observed)


def packets_tried(requests: Sequence[Request]) -> Iterator[Tried]:
    """Every packet of every attempt, in the order in which they were sent."""
    encodings = _encodings(requests)
    for request in requests:
        call_id = request.attempt.call_id
        for body in _packet_bodies(request):
            key = Key(call_id, body.get("stream", "main"), body["sequence"])
            yield Tried(key, _bytes_of(body["data"], encodings.get(call_id, TEXT)), request)


def _packet_bodies(request: Request) -> list[dict[str, Any]]:
    match request.attempt.action:
        case "packet":
            return [request.attempt.body]
        case "delivery":
            packets: list[dict[str, Any]] = request.attempt.body["packets"]
            return packets
        case "init" | "complete" | "read":
            return []


def _encodings(requests: Sequence[Request]) -> dict[str, str]:
    """What each call's packets hold, by its first acknowledged start; a call without one holds text."""
    encodings: dict[str, str] = {}
    for request in requests:
        if request.attempt.action == "init" and request.was_acknowledged:
            media = request.attempt.body.get("media") or {}
            encodings.setdefault(request.attempt.call_id, media.get("encoding", TEXT))
    return encodings


def _bytes_of(data: str, encoding: str) -> bytes | None:
    if encoding == TEXT:
        return data.encode()
    try:
        return binascii.a2b_base64(data, strict_mode=True)
    except (binascii.Error, ValueError):
        return None


def _of_acknowledged(key: Key, attempts: Sequence[Tried], stored: Sequence[bytes]) -> Iterator[Violation]:
    acknowledged = [attempt for attempt in attempts if attempt.request.was_acknowledged]
    if acknowledged and not stored:
        yield Violation("packet_lost", f"{key} was acknowledged and is not there")
    elif any(attempt.data != data for attempt in acknowledged for data in stored):
        yield Violation("packet_bytes_differ", f"{key} is not what was acknowledged")


def _of_stored(key: Key, data: bytes, attempts: Sequence[Tried]) -> Iterator[Violation]:
    like_it = [attempt for attempt in attempts if attempt.data == data]
    if not like_it:
        yield Violation("packet_never_sent", f"{key} holds what nobody sent")
    elif all(attempt.request.was_refused for attempt in like_it):
        yield Violation("refused_packet_stored", f"{key} was only ever refused")


def _of_streams(observed: Observed) -> Iterator[Violation]:
    """A stream's record of what has arrived is what has arrived."""
    sequences: dict[tuple[str, str], set[int]] = defaultdict(set)
    byte_counts: dict[tuple[str, str], int] = defaultdict(int)
    for packet in observed.packets:
        sequences[packet.call_id, packet.stream].add(packet.sequence)
        byte_counts[packet.call_id, packet.stream] += len(packet.data)
    recorded = {(stream.call_id, stream.stream): stream for stream in observed.streams}
    for name in sorted(sequences.keys() | recorded.keys()):
        stream = recorded.get(name)
        ranges = stream.received if stream else ()
        received = {number for first, last in ranges for number in range(first, last + 1)}
        what = f"stream {name[1]!r} of call {name[0]!r}"
        if received != sequences.get(name, set()):
            yield Violation("stream_record_differs", f"{what} has other packets than its record says")
        elif stream is not None and stream.received_bytes != byte_counts[name]:
            yield Violation("stream_record_differs", f"{what} has other bytes than its record says")

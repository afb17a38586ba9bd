"""No packet lost, none made up, each once and with its bytes, nothing from what was only refused."""

from __future__ import annotations

import binascii
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from faults.history import Request
from faults.observed import Observed, StoredPacket
from faults.violation import Violation

TEXT: Final = "text/plain"


class Key(NamedTuple):
    call_id: str
    stream: str
    sequence: int

    def __str__(self) -> str:
        return f"packet {self.sequence} of stream {self.stream!r} of call {self.call_id!r}"


def packet_violations(requests: Sequence[Request], observed: Observed) -> Iterator[Violation]:
    encodings = encodings_of(requests)
    tried: dict[Key, list[Request]] = defaultdict(list)
    for request in requests:
        if request.attempt.action == "packet":
            tried[key_of(request)].append(request)
    rows: dict[Key, list[bytes]] = defaultdict(list)
    for packet in observed.packets:
        rows[_key_of_row(packet)].append(packet.data)
    for key, attempts in tried.items():
        yield from _of_acknowledged(key, attempts, rows.get(key, []), encodings)
    for key, stored in rows.items():
        if len(stored) > 1:
            yield Violation("packet_stored_twice", str(key))
        yield from _of_stored(key, stored[0], tried.get(key, []), encodings)
    yield from _of_streams(observed)


def encodings_of(requests: Sequence[Request]) -> dict[str, str]:
    """What each call's packets hold, by its first acknowledged start; a call without one holds text."""
    encodings: dict[str, str] = {}
    for request in requests:
        if request.attempt.action == "init" and request.was_acknowledged:
            media = request.attempt.body.get("media") or {}
            encodings.setdefault(request.attempt.call_id, media.get("encoding", TEXT))
    return encodings


def key_of(request: Request) -> Key:
    body = request.attempt.body
    return Key(request.attempt.call_id, body.get("stream", "main"), body["sequence"])


def sent_bytes(request: Request, encodings: Mapping[str, str]) -> bytes | None:
    """What its data stands for; None where it stands for nothing in the call's encoding."""
    data: str = request.attempt.body["data"]
    if encodings.get(request.attempt.call_id, TEXT) == TEXT:
        return data.encode()
    try:
        return binascii.a2b_base64(data, strict_mode=True)
    except (binascii.Error, ValueError):
        return None


def _key_of_row(packet: StoredPacket) -> Key:
    return Key(packet.call_id, packet.stream, packet.sequence)


def _of_acknowledged(
    key: Key, attempts: Sequence[Request], stored: Sequence[bytes], encodings: Mapping[str, str]
) -> Iterator[Violation]:
    acknowledged = [attempt for attempt in attempts if attempt.was_acknowledged]
    if acknowledged and not stored:
        yield Violation("packet_lost", f"{key} was acknowledged and is not there")
    elif any(sent_bytes(attempt, encodings) != data for attempt in acknowledged for data in stored):
        yield Violation("packet_bytes_differ", f"{key} is not what was acknowledged")


def _of_stored(
    key: Key, data: bytes, attempts: Sequence[Request], encodings: Mapping[str, str]
) -> Iterator[Violation]:
    like_it = [attempt for attempt in attempts if sent_bytes(attempt, encodings) == data]
    if not like_it:
        yield Violation("packet_never_sent", f"{key} holds what nobody sent")
    elif all(attempt.was_refused for attempt in like_it):
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

"""What a PBX does in one call, drawn beforehand, so that a seed brings the same calls back."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal

import attrs

Then = Literal["nothing", "repeat", "conflict", "read"]
"""What follows once the packet is acknowledged: it again, other bytes under its number, a look at the call."""

PACKETS: Final = (8, 30)
PACKET_SECONDS: Final = 0.05
"""Between two packets of a call, though they may overtake each other."""
_AUDIO: Final = {"encoding": "audio/x-mulaw", "sample_rate_hz": 8000, "channels": 1}
_AUDIO_BYTES: Final = 160
_MALFORMED_SEQUENCE: Final = 1_000_000
"""Nothing well formed has this number, so a malformed packet must leave no row under it."""


@attrs.frozen
class PlannedPacket:
    """``due_seconds`` counts from the call's start, or for a late one from its completion."""

    due_seconds: float
    body: dict[str, Any]
    then: Then = "nothing"
    conflicting_body: dict[str, Any] | None = None


@attrs.frozen
class PlannedCall:
    """``init`` is None where the first packet starts the call; ``complete`` is None where nobody ends it."""

    call_id: str
    init: dict[str, Any] | None
    packets: Sequence[PlannedPacket]
    complete: dict[str, Any] | None
    late: PlannedPacket | None


def plan_call(dice: random.Random, call_id: str) -> PlannedCall:
    is_audio = dice.random() < 0.5
    is_announced = is_audio or dice.random() < 0.7
    streams = ["main"] if dice.random() < 0.7 else ["caller", "agent"]
    lengths = {stream: dice.randint(*PACKETS) // len(streams) for stream in streams}
    packets = sorted(_packets(dice, lengths, is_audio), key=lambda packet: packet.due_seconds)
    last = streams[0]
    late = PlannedPacket(dice.uniform(0, 1), _body(dice, last, lengths[last] + 1, is_audio))
    return PlannedCall(
        call_id,
        _init(call_id, is_audio) if is_announced else None,
        packets,
        _completion(dice, lengths),
        late if dice.random() < 0.3 else None,
    )


def _init(call_id: str, is_audio: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"call_id": call_id, "metadata": {"from": "+15551234"}}
    return body | {"media": _AUDIO} if is_audio else body


def _completion(dice: random.Random, lengths: dict[str, int]) -> dict[str, Any] | None:
    chance = dice.random()
    if chance < 0.1:
        return None
    return {"final_sequence": lengths} if chance < 0.7 else {}


def _packets(dice: random.Random, lengths: dict[str, int], is_audio: bool) -> Iterator[PlannedPacket]:
    for stream, length in lengths.items():
        for sequence in range(1, length + 1):
            jitter = dice.choice((0.0, 0.0, 0.0, 3 * PACKET_SECONDS))
            body = _body(dice, stream, sequence, is_audio)
            yield PlannedPacket(sequence * PACKET_SECONDS + jitter, body, *_followed_by(dice, body, is_audio))
    if dice.random() < 0.3:
        body = _body(dice, next(iter(lengths)), _MALFORMED_SEQUENCE, is_audio)
        yield PlannedPacket(PACKET_SECONDS * 2, body | ({"data": "no base64!"} if is_audio else {"data": "\0"}))


def _followed_by(
    dice: random.Random, body: dict[str, Any], is_audio: bool
) -> tuple[Then, dict[str, Any] | None]:
    chance = dice.random()
    if chance < 0.1:
        return "repeat", None
    if chance < 0.15:
        return "conflict", _body(dice, body["stream"], body["sequence"], is_audio)
    return ("read" if chance < 0.25 else "nothing"), None


def _body(dice: random.Random, stream: str, sequence: int, is_audio: bool) -> dict[str, Any]:
    """Data that no other packet has, so that one in another's place shows."""
    if is_audio:
        data = base64.b64encode(dice.randbytes(_AUDIO_BYTES)).decode()
    else:
        data = f"piece {dice.randrange(2**48):012x} of {stream} {sequence}. "
    return {"stream": stream, "sequence": sequence, "timestamp": sequence * PACKET_SECONDS, "data": data}

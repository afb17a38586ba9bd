"""What a PBX does in one call, drawn beforehand, so that a seed brings the same calls back."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal

import attrs

Then = Literal["nothing", "repeat", "conflict", "read"]
"""What follows once they are acknowledged: they again, other bytes under a number, a look at the call."""

PACKETS: Final = (8, 30)
PACKET_SECONDS: Final = 0.05
"""Between two packets of a call, though they may overtake each other."""
NEVER_STORED: Final = 1_000_000
"""From this sequence on there are only packets that must be refused, by themselves or with others."""
_AUDIO: Final = {"encoding": "audio/x-mulaw", "sample_rate_hz": 8000, "channels": 1}
_AUDIO_BYTES: Final = 160
_LARGEST_DELIVERY: Final = 6

Body = dict[str, Any]


@attrs.frozen
class PlannedPackets:
    """Packets that are sent together: alone in their request, or as a delivery.

    ``due_seconds`` counts from the call's start, or for a late one from its completion.
    """

    due_seconds: float
    bodies: tuple[Body, ...]
    then: Then = "nothing"
    conflicting: tuple[Body, ...] = ()


@attrs.frozen
class PlannedCall:
    """``init`` is None where the first packet starts the call; ``complete`` is None where nobody ends it."""

    call_id: str
    init: Body | None
    packets: Sequence[PlannedPackets]
    complete: Body | None
    late: PlannedPackets | None


@attrs.frozen
class Voice:
    """Makes data that no other packet has, so that one in another's place shows."""

    dice: random.Random
    is_audio: bool

    def packet(self, stream: str, sequence: int) -> Body:
        data = self._audio() if self.is_audio else self._text(stream, sequence)
        return {"stream": stream, "sequence": sequence, "timestamp": sequence * PACKET_SECONDS, "data": data}

    def malformed(self, stream: str) -> Body:
        return self.packet(stream, NEVER_STORED) | {"data": "no base64!" if self.is_audio else "\0"}

    def _audio(self) -> str:
        return base64.b64encode(self.dice.randbytes(_AUDIO_BYTES)).decode()

    def _text(self, stream: str, sequence: int) -> str:
        return f"piece {self.dice.randrange(2**48):012x} of {stream} {sequence}. "


def plan_call(dice: random.Random, call_id: str) -> PlannedCall:
    voice = Voice(dice, is_audio=dice.random() < 0.5)
    is_announced = voice.is_audio or dice.random() < 0.7
    streams = ["main"] if dice.random() < 0.7 else ["caller", "agent"]
    lengths = {stream: dice.randint(*PACKETS) // len(streams) for stream in streams}
    largest = _LARGEST_DELIVERY if dice.random() < 0.3 else 1
    packets = [*_packets(voice, lengths, largest), *_refused(voice, streams[0])]
    late = PlannedPackets(dice.uniform(0, 1), (voice.packet(streams[0], lengths[streams[0]] + 1),))
    return PlannedCall(
        call_id,
        init_body(call_id, voice.is_audio) if is_announced else None,
        sorted(packets, key=lambda planned: planned.due_seconds),
        _completion(dice, lengths),
        late if dice.random() < 0.3 else None,
    )


def init_body(call_id: str, is_audio: bool) -> Body:
    body: Body = {"call_id": call_id, "metadata": {"from": "+15551234"}}
    return body | {"media": _AUDIO} if is_audio else body


def _completion(dice: random.Random, lengths: dict[str, int]) -> Body | None:
    chance = dice.random()
    if chance < 0.1:
        return None
    return {"final_sequence": lengths} if chance < 0.7 else {}


def _packets(voice: Voice, lengths: dict[str, int], largest: int) -> Iterator[PlannedPackets]:
    dice = voice.dice
    for stream, length in lengths.items():
        first = 1
        while first <= length:
            after = min(first + dice.randint(1, largest), length + 1)
            bodies = tuple(voice.packet(stream, sequence) for sequence in range(first, after))
            jitter = dice.choice((0.0, 0.0, 0.0, 3 * PACKET_SECONDS))
            yield PlannedPackets(after * PACKET_SECONDS + jitter, bodies, *_followed_by(voice, bodies[-1]))
            first = after


def _followed_by(voice: Voice, packet: Body) -> tuple[Then, tuple[Body, ...]]:
    """A conflict comes alone, or with a packet that would be welcome by itself."""
    chance = voice.dice.random()
    if chance < 0.1:
        return "repeat", ()
    if chance < 0.15:
        other = voice.packet(packet["stream"], packet["sequence"])
        welcome = voice.packet(packet["stream"], NEVER_STORED + packet["sequence"])
        return "conflict", (welcome, other) if voice.dice.random() < 0.5 else (other,)
    return ("read" if chance < 0.25 else "nothing"), ()


def _refused(voice: Voice, stream: str) -> Iterator[PlannedPackets]:
    """What is malformed, and what would be welcome without it."""
    if voice.dice.random() < 0.3:
        yield PlannedPackets(PACKET_SECONDS * 2, (voice.malformed(stream),))
    if voice.dice.random() < 0.2:
        welcome = voice.packet(stream, NEVER_STORED + 999)
        yield PlannedPackets(PACKET_SECONDS * 4, (welcome, voice.malformed(stream)))

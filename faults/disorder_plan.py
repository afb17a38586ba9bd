"""Calls as the worst network has them: every packet three times at once, all of them shuffled, some late, and
other bytes under numbers that are taken.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Final, Literal

import attrs

from faults.call_plan import Body, Voice, init_body

By = Literal["post", "lines", "socket"]
"""A packet alone in its request, several in one, or a packet on a WebSocket."""

POSTED: Final = "posted"
"""The stream of which no packet goes by WebSocket: other bytes may come before those that are meant."""
SOCKETED: Final = "main"
"""There they come once the packet is acknowledged: an acknowledgement by number cannot tell them apart."""

PACKETS: Final = (10, 20)
SPREAD_SECONDS: Final = 1.0
LATE_SHARE: Final = 0.1
CONFLICT_SHARE: Final = 0.15
LARGEST_DELIVERY: Final = 6


@attrs.frozen
class Sending:
    """``conflicting`` is what follows each acknowledgement, under the same number; it must be refused."""

    due_seconds: float
    by: By
    bodies: tuple[Body, ...]
    conflicting: Body | None = None


@attrs.frozen
class DisorderedCall:
    """``init`` is None where whichever packet comes first starts the call. Late is what follows its end."""

    call_id: str
    is_audio: bool
    init: Body | None
    sendings: Sequence[Sending]
    complete: Body
    late: Sequence[Sending]


def plan_disorder(dice: random.Random, call_id: str) -> DisorderedCall:
    voice = Voice(dice, is_audio=dice.random() < 0.5)
    lengths = {stream: dice.randint(*PACKETS) for stream in (POSTED, SOCKETED)}
    packets = [
        voice.packet(stream, number) for stream, length in lengths.items() for number in range(1, length + 1)
    ]
    sendings = [*(sending for body in packets for sending in _of(voice, body)), *_together(voice, packets)]
    is_late = {_key(body) for body in packets if dice.random() < LATE_SHARE}
    late = [sending for sending in sendings if any(_key(body) in is_late for body in sending.bodies)]
    in_time = [sending for sending in sendings if sending not in late]
    dice.shuffle(in_time)
    return DisorderedCall(
        call_id=call_id,
        is_audio=voice.is_audio,
        init=init_body(call_id, voice.is_audio) if voice.is_audio or dice.random() < 0.5 else None,
        sendings=in_time,
        complete={"final_sequence": lengths},
        late=[attrs.evolve(sending, due_seconds=sending.due_seconds / 2) for sending in late],
    )


def _of(voice: Voice, body: Body) -> Iterator[Sending]:
    """All that is sent of one packet by itself."""
    due_seconds = voice.dice.uniform(0, SPREAD_SECONDS)
    has_conflict = voice.dice.random() < CONFLICT_SHARE
    other = voice.packet(body["stream"], body["sequence"]) if has_conflict else None
    yield Sending(due_seconds, "post", (body,))
    if body["stream"] == SOCKETED:
        yield Sending(due_seconds, "socket", (body,), other)
    elif other is not None:  # at the same time, or before, or after
        yield Sending(max(0.0, due_seconds + voice.dice.choice((-0.1, 0.0, 0.0, 0.1))), "post", (other,))


def _together(voice: Voice, packets: Sequence[Body]) -> Iterator[Sending]:
    """Several in a request, of both streams, out of order, one of them twice."""
    dice = voice.dice
    for _ in range(len(packets) // 4):
        some = dice.sample(packets, dice.randint(2, LARGEST_DELIVERY - 1))
        yield Sending(dice.uniform(0, SPREAD_SECONDS), "lines", (*some, dice.choice(some)))
    posted = [body for body in packets if body["stream"] == POSTED]
    some = dice.sample(posted, 2)
    other = voice.packet(POSTED, some[0]["sequence"])
    yield Sending(dice.uniform(0, SPREAD_SECONDS), "lines", (*some, other))  # it conflicts with itself


def _key(body: Body) -> tuple[str, int]:
    return body["stream"], body["sequence"]

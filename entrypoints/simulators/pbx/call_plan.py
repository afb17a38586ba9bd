"""Which packets of a call are sent, in which order, and which are lost: pure, and the same for a seed."""

from __future__ import annotations

import random
from typing import Final

import attrs

FIRST_SEQUENCE: Final = 1
FARTHEST_SWAP: Final = 5
FARTHEST_COPY: Final = 10


@attrs.frozen
class Faults:
    """Shares, from 0 to 1, of all packets of a call."""

    loss: float
    reorder: float
    duplicate: float


@attrs.frozen
class PlannedSend:
    """``slot`` is when: the number of packet times since the start of the call."""

    slot: int
    sequence: int
    is_copy: bool


@attrs.frozen
class CallPlan:
    """``sends`` in the order of their slots; ``lost`` are the sequences that are never sent."""

    sends: tuple[PlannedSend, ...]
    lost: frozenset[int]
    final_sequence: int


def plan_call(packet_count: int, faults: Faults, dice: random.Random) -> CallPlan:
    """Every sequence from 1 to ``packet_count`` is either lost, or sent once, or sent twice.

    The shares hold to the packet, as far as enough packets are left to be reordered and sent twice.
    """
    sequences = range(FIRST_SEQUENCE, FIRST_SEQUENCE + packet_count)
    lost = frozenset(dice.sample(sequences, round(faults.loss * packet_count)))
    kept = [sequence for sequence in sequences if sequence not in lost]
    order = _reordered(kept, round(faults.reorder * packet_count), dice)
    slots = [sequence - FIRST_SEQUENCE for sequence in kept]
    sends = [PlannedSend(slot, sequence, is_copy=False) for slot, sequence in zip(slots, order, strict=True)]
    copied = dice.sample(sends, min(len(sends), round(faults.duplicate * packet_count)))
    copies = [
        PlannedSend(send.slot + dice.randint(1, FARTHEST_COPY), send.sequence, is_copy=True)
        for send in copied
    ]
    in_time = sorted(sends + copies, key=lambda send: (send.slot, send.is_copy))
    return CallPlan(tuple(in_time), lost, sequences.stop - 1)


def _reordered(kept: list[int], wanted: int, dice: random.Random) -> list[int]:
    """``wanted`` packets, or as many as can be, change places with one a little later."""
    order = list(kept)
    free = set(range(len(order)))
    for early in dice.sample(range(len(order)), len(order)):
        if wanted <= 0:
            break
        later = [late for late in range(early + 1, early + 1 + FARTHEST_SWAP) if late in free]
        if early not in free or not later:
            continue
        late = dice.choice(later)
        order[early], order[late] = order[late], order[early]
        free -= {early, late}
        wanted -= 1
    return order

"""Calls whose packets carry timestamps of clocks that are far off."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

import attrs

from faults.call_plan import Body, PlannedCall, PlannedPackets, plan_call

OFF_SECONDS: Final = (0.0, -3_600.0, 86_400.0, -1e9, 4e9, 1e15)


def plan_call_far_off(dice: random.Random, call_id: str) -> PlannedCall:
    """Some of a call's packets are of one clock, some of another."""
    call = plan_call(dice, call_id)
    return attrs.evolve(
        call,
        packets=[_far_off(dice, planned) for planned in call.packets],
        late=None if call.late is None else _far_off(dice, call.late),
    )


def _far_off(dice: random.Random, planned: PlannedPackets) -> PlannedPackets:
    off_seconds = dice.choice(OFF_SECONDS)
    return attrs.evolve(
        planned,
        bodies=_shifted(planned.bodies, off_seconds),
        conflicting=_shifted(planned.conflicting, off_seconds),
    )


def _shifted(bodies: Sequence[Body], off_seconds: float) -> tuple[Body, ...]:
    return tuple(body | {"timestamp": body["timestamp"] + off_seconds} for body in bodies)

"""Calls with timestamps of clocks that are far off: all else is as planned."""

from __future__ import annotations

import random

from faults.call_plan import NEVER_STORED, plan_call
from faults.far_off_times import OFF_SECONDS, plan_call_far_off


def test_timestamps_of_one_call_are_of_several_clocks() -> None:
    dice = random.Random(1)
    offs = set()
    for number in range(20):
        call = plan_call_far_off(dice, f"call-{number}")
        for planned in call.packets:
            offs |= {
                round(body["timestamp"] / 1e5) for body in planned.bodies if body["sequence"] < NEVER_STORED
            }
    assert offs == {round(off / 1e5) for off in OFF_SECONDS}


def test_nothing_else_is_changed() -> None:
    off = plan_call_far_off(random.Random(1), "call-1")
    orderly = plan_call(random.Random(1), "call-1")
    without = [[body | {"timestamp": 0} for body in planned.bodies] for planned in off.packets]
    assert without == [[body | {"timestamp": 0} for body in planned.bodies] for planned in orderly.packets]
    assert (off.init, off.complete) == (orderly.init, orderly.complete)

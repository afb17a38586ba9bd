"""Planning a call's packets."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoints.simulators.pbx.call_plan import CallPlan, Faults, plan_call
from entrypoints.simulators.pbx.exchange import plan_calls

shares = st.floats(0, 1)
NONE = Faults(0, 0, 0)


def plan(packets: int, faults: Faults, seed: int = 1) -> CallPlan:
    return plan_call(packets, faults, random.Random(seed))


@given(st.integers(1, 400), st.builds(Faults, shares, shares, shares), st.integers())
def test_every_packet_is_lost_or_sent_once_or_twice(packets: int, faults: Faults, seed: int) -> None:
    planned = plan(packets, faults, seed)
    sent = Counter(send.sequence for send in planned.sends)
    originals = [send.sequence for send in planned.sends if not send.is_copy]
    assert sent.keys() | planned.lost == set(range(1, packets + 1))
    assert not sent.keys() & planned.lost
    assert len(originals) == len(set(originals)) == len(sent)
    assert max(sent.values(), default=1) <= 2
    assert planned.final_sequence == packets
    assert [send.slot for send in planned.sends] == sorted(send.slot for send in planned.sends)


def test_the_shares_hold_to_the_packet() -> None:
    planned = plan(1_000, Faults(loss=0.05, reorder=0.1, duplicate=0.03))
    originals = [send for send in planned.sends if not send.is_copy]
    out_of_place = [send for send in originals if send.slot != send.sequence - 1]
    assert len(planned.lost) == 50
    assert len(planned.sends) - len(originals) == 30
    assert len(out_of_place) == 2 * 100


def test_a_reordered_packet_changes_places_with_one_a_little_later() -> None:
    planned = plan(500, Faults(loss=0.1, reorder=0.2, duplicate=0))
    at = {send.slot + 1: send.sequence for send in planned.sends}
    swaps = {slot: sequence for slot, sequence in at.items() if slot != sequence}
    assert swaps
    assert all(at[sequence] == slot for slot, sequence in swaps.items())


def test_a_copy_comes_after_its_original() -> None:
    planned = plan(300, Faults(loss=0.1, reorder=0.3, duplicate=0.5))
    first = {send.sequence: send.slot for send in planned.sends if not send.is_copy}
    copies = [send for send in planned.sends if send.is_copy]
    assert len(copies) == 150
    assert all(send.slot > first[send.sequence] for send in copies)


def test_without_faults_all_is_sent_once_and_in_order() -> None:
    planned = plan(50, NONE)
    assert [send.sequence for send in planned.sends] == list(range(1, 51))
    assert [send.slot for send in planned.sends] == list(range(50))


@pytest.mark.parametrize("faults", [Faults(1, 1, 1), Faults(0, 1, 1), Faults(1, 0, 0)])
def test_whole_shares_are_possible(faults: Faults) -> None:
    planned = plan(20, faults)
    assert len(planned.lost) == 20 * faults.loss


def test_a_run_is_the_same_for_its_seed_and_another_for_another() -> None:
    faults = Faults(0.1, 0.1, 0.1)
    run = plan_calls("sim", 7, 3, 100, faults)
    assert run == plan_calls("sim", 7, 3, 100, faults)
    assert [call.plan for call in run] != [call.plan for call in plan_calls("sim", 8, 3, 100, faults)]
    assert [call.call_id for call in run] == ["sim-7-1", "sim-7-2", "sim-7-3"]
    assert run[0].plan != run[1].plan

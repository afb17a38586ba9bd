"""Planned calls: the same for the same seed, and with everything in them that a PBX may do."""

from __future__ import annotations

import random

from faults.call_plan import PlannedCall, plan_call


def planned(seed: int, count: int = 200) -> list[PlannedCall]:
    dice = random.Random(seed)
    return [plan_call(dice, f"call-{number}") for number in range(count)]


def test_a_seed_brings_the_same_calls_back() -> None:
    assert planned(1) == planned(1)
    assert planned(1) != planned(2)


def test_all_that_a_pbx_may_do_is_in_them() -> None:
    calls = planned(1)
    packets = [packet for call in calls for packet in call.packets]
    assert {packet.then for packet in packets} == {"nothing", "repeat", "conflict", "read"}
    assert {packet.body["stream"] for packet in packets} == {"main", "caller", "agent"}
    assert any(call.init is None for call in calls)
    assert any(call.complete is None for call in calls)
    assert any(call.complete == {} for call in calls)
    assert any(call.complete for call in calls)
    assert any(call.late for call in calls)
    in_order = [[packet.body["sequence"] for packet in call.packets] for call in calls]
    assert any(sequences != sorted(sequences) for sequences in in_order)


def test_an_audio_call_is_announced_for_a_packet_would_start_a_text_call() -> None:
    unannounced = [call for call in planned(1) if call.init is None]
    assert all("piece" in packet.body["data"] or packet.body["data"] == "\0" for call in unannounced for packet in call.packets)


def test_a_conflict_has_the_same_number_and_other_data() -> None:
    conflicts = [packet for call in planned(1) for packet in call.packets if packet.then == "conflict"]
    for packet in conflicts:
        assert packet.conflicting_body is not None
        assert packet.conflicting_body | {"data": packet.body["data"]} == packet.body
        assert packet.conflicting_body["data"] != packet.body["data"]


def test_no_two_packets_hold_the_same_data_but_malformed_ones() -> None:
    data = [
        packet.body["data"]
        for call in planned(1)
        for packet in call.packets
        if packet.body["sequence"] < 1_000_000
    ]
    assert len(data) == len(set(data))

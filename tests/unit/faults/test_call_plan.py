"""Planned calls: the same for the same seed, and with everything in them that a PBX may do."""

from __future__ import annotations

import random

from faults.call_plan import NEVER_STORED, PlannedCall, plan_call


def planned(seed: int, count: int = 200) -> list[PlannedCall]:
    dice = random.Random(seed)
    return [plan_call(dice, f"call-{number}") for number in range(count)]


def test_a_seed_brings_the_same_calls_back() -> None:
    assert planned(1) == planned(1)
    assert planned(1) != planned(2)


def test_all_that_a_pbx_may_do_is_in_them() -> None:
    calls = planned(1)
    packets = [packets for call in calls for packets in call.packets]
    assert {sent.then for sent in packets} == {"nothing", "repeat", "conflict", "read"}
    assert {body["stream"] for sent in packets for body in sent.bodies} == {"main", "caller", "agent"}
    assert {len(sent.bodies) for sent in packets} >= {1, 2, 6}
    assert {len(sent.conflicting) for sent in packets} == {0, 1, 2}
    assert any(call.init is None for call in calls)
    assert any(call.complete is None for call in calls)
    assert any(call.complete == {} for call in calls)
    assert any(call.complete for call in calls)
    assert any(call.late for call in calls)
    in_order = [[sent.bodies[0]["sequence"] for sent in call.packets] for call in calls]
    assert any(sequences != sorted(sequences) for sequences in in_order)


def test_an_audio_call_is_announced_for_a_packet_would_start_a_text_call() -> None:
    unannounced = [call for call in planned(1) if call.init is None]
    data = [body["data"] for call in unannounced for sent in call.packets for body in sent.bodies]
    assert all(words.startswith("piece ") or words == "\0" for words in data)


def test_a_conflict_has_a_number_that_was_sent_and_other_data() -> None:
    conflicts = [sent for call in planned(1) for sent in call.packets if sent.then == "conflict"]
    for sent in conflicts:
        before, other = sent.bodies[-1], sent.conflicting[-1]
        assert other | {"data": before["data"]} == before
        assert other["data"] != before["data"]


def test_every_sequence_from_1_is_sent_once_and_none_of_those_never_stored_is_sent_by_itself() -> None:
    for call in planned(1):
        sequences: dict[str, list[int]] = {}
        for sent in call.packets:
            for body in sent.bodies:
                if body["sequence"] < NEVER_STORED:
                    sequences.setdefault(body["stream"], []).append(body["sequence"])
                else:
                    assert sent.bodies[-1]["data"] in ("no base64!", "\0")
        assert all(sorted(all_) == list(range(1, len(all_) + 1)) for all_ in sequences.values())


def test_no_two_packets_hold_the_same_data_but_malformed_ones() -> None:
    bodies = [
        body for call in planned(1) for sent in call.packets for body in (*sent.bodies, *sent.conflicting)
    ]
    data = [body["data"] for body in bodies if body["data"] not in ("no base64!", "\0")]
    assert len(data) == len(set(data))

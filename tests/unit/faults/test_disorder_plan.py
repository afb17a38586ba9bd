"""Disordered calls: the same for the same seed, and no orderly packet in them."""

from __future__ import annotations

import random

from faults.call_plan import Body
from faults.disorder_plan import POSTED, SOCKETED, DisorderedCall, plan_disorder


def planned(seed: int, count: int = 100) -> list[DisorderedCall]:
    dice = random.Random(seed)
    return [plan_disorder(dice, f"call-{number}") for number in range(count)]


def data_by_number(call: DisorderedCall) -> dict[tuple[str, int], set[str]]:
    found: dict[tuple[str, int], set[str]] = {}
    for sending in (*call.sendings, *call.late):
        for body in (*sending.bodies, *([sending.conflicting] if sending.conflicting else [])):
            found.setdefault((body["stream"], body["sequence"]), set()).add(body["data"])
    return found


def test_a_seed_brings_the_same_calls_back() -> None:
    assert planned(1) == planned(1)
    assert planned(1) != planned(2)


def test_every_number_up_to_the_final_one_is_sent_in_no_order_and_some_after_the_end() -> None:
    for call in planned(1):
        final: Body = call.complete["final_sequence"]
        wanted = {(stream, number) for stream, last in final.items() for number in range(1, last + 1)}
        assert data_by_number(call).keys() == wanted
        numbers = [sending.bodies[0]["sequence"] for sending in call.sendings]
        assert numbers != sorted(numbers)
    assert sum(bool(call.late) for call in planned(1)) > 80


def test_other_bytes_come_under_some_numbers_by_every_way() -> None:
    calls = planned(1)
    streams = {
        stream for call in calls for (stream, _), data in data_by_number(call).items() if len(data) > 1
    }
    assert streams == {POSTED, SOCKETED}
    assert {sending.by for call in calls for sending in call.sendings} == {"post", "lines", "socket"}


def test_other_bytes_of_the_sockets_stream_only_follow_an_acknowledgement() -> None:
    """Its acknowledgements are by number: they could be taken for those of the other bytes."""
    for call in planned(1):
        first: dict[int, set[str]] = {}
        for sending in (*call.sendings, *call.late):
            for body in sending.bodies:
                if body["stream"] == SOCKETED:
                    first.setdefault(body["sequence"], set()).add(body["data"])
        assert all(len(data) == 1 for data in first.values())


def test_an_audio_call_is_announced() -> None:
    assert all(call.init is not None for call in planned(1) if call.is_audio)
    assert any(call.init is None for call in planned(1))

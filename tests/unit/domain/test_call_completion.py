"""A call is completed, and its first run becomes due."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.call_state import CallState
from domain.errors import InvalidValue
from domain.packet import MAX_SEQUENCE
from domain.stream_names import MAX_STREAMS
from tests.unit.domain.example_calls import after, call_in, receive_all, snapshot, started

SETTLE_SECONDS = 2.0
DONE, SETTLED = after(10), after(12)


def test_completing_closes_the_call_and_makes_its_first_run_due_after_settling() -> None:
    call = started()
    receive_all(call, [1, 2])
    call.complete({}, SETTLE_SECONDS, DONE)
    assert (call.state, call.completed_at) == (CallState.COMPLETED, DONE)
    assert call.next_run_at == SETTLED
    assert call.awaits_ai


@pytest.mark.parametrize("state", [state for state in CallState if state is not CallState.IN_PROGRESS])
def test_completing_again_changes_nothing_in_any_state(state: CallState) -> None:
    call = call_in(state)
    before = snapshot(call)
    call.complete({"main": 500}, 60, after(99))
    assert snapshot(call) == before


@pytest.mark.parametrize(
    ("received", "final_sequences"),
    [
        pytest.param({"main": [1, 2, 3]}, {"main": 3}, id="one stream"),
        pytest.param({"main": [3, 1, 2]}, {"main": 3}, id="out of order"),
        pytest.param({"main": [0, 1, 2, 3]}, {"main": 3}, id="from 0"),
        pytest.param({"a": [1], "b": [1, 2]}, {"a": 1, "b": 2}, id="two streams"),
        pytest.param({"a": [1]}, {"a": 1, "b": 0}, id="a named stream that had nothing to send"),
        pytest.param({"main": [1, 2, 3, 5]}, {"main": 3}, id="a gap past the final sequence"),
    ],
)
def test_a_call_that_is_whole_is_due_at_once(
    received: dict[str, list[int]], final_sequences: dict[str, int]
) -> None:
    call = started()
    for stream, sequences in received.items():
        receive_all(call, sequences, stream)
    call.complete(final_sequences, SETTLE_SECONDS, DONE)
    assert call.next_run_at == DONE


@pytest.mark.parametrize(
    ("received", "final_sequences"),
    [
        pytest.param({"main": [1, 2]}, {}, id="no final sequence"),
        pytest.param({}, {}, id="nothing at all"),
        pytest.param({"main": [1, 2]}, {"main": 3}, id="the last is missing"),
        pytest.param({"main": [1, 3]}, {"main": 3}, id="one between is missing"),
        pytest.param({"a": [1], "b": [1]}, {"a": 1}, id="a stream that is not named"),
        pytest.param({"a": [1]}, {"a": 1, "b": 1}, id="a stream that was never seen"),
    ],
)
def test_a_call_that_may_not_be_whole_settles(
    received: dict[str, list[int]], final_sequences: dict[str, int]
) -> None:
    call = started()
    for stream, sequences in received.items():
        receive_all(call, sequences, stream)
    call.complete(final_sequences, SETTLE_SECONDS, DONE)
    assert call.next_run_at == SETTLED


def test_the_late_packet_that_makes_the_call_whole_hastens_its_run() -> None:
    call = started()
    receive_all(call, [1, 4])
    call.complete({"main": 4}, SETTLE_SECONDS, DONE)
    receive_all(call, [2])
    assert not call.hasten_if_whole(after(10.5))
    assert call.next_run_at == SETTLED
    receive_all(call, [3])
    assert call.hasten_if_whole(after(11))
    assert call.next_run_at == after(11)


def test_a_run_that_is_due_already_is_not_hastened() -> None:
    call = started()
    receive_all(call, [1])
    call.complete({"main": 2}, SETTLE_SECONDS, DONE)
    receive_all(call, [2])
    assert not call.hasten_if_whole(SETTLED)
    assert call.hasten_if_whole(after(11))
    assert not call.hasten_if_whole(after(11))
    assert not call.hasten_if_whole(after(11.5))
    assert call.next_run_at == after(11)


@pytest.mark.parametrize("state", [state for state in CallState if state is not CallState.COMPLETED])
def test_only_a_completed_call_is_hastened(state: CallState) -> None:
    call = call_in(state)
    call.final_sequences = {"main": 0}
    before = snapshot(call)
    assert not call.hasten_if_whole(after(11))
    assert snapshot(call) == before


def test_missing_names_each_stream_that_lacks_something_through_its_final_sequence() -> None:
    call = started()
    receive_all(call, [1, 4], "a")
    receive_all(call, [1, 2], "whole")
    receive_all(call, [2], "unnamed")
    call.complete({"a": 6, "whole": 2, "never-seen": 3}, SETTLE_SECONDS, DONE)
    assert call.missing() == {
        "a": ((2, 3), (5, 6)),
        "never-seen": ((1, 3),),
        "unnamed": ((1, 1),),
    }
    assert list(call.missing()) == sorted(call.missing())
    assert "never-seen" not in call.streams


@pytest.mark.parametrize(
    ("final_sequences", "field"),
    [
        ({"main": -1}, "final_sequence.main"),
        ({"main": MAX_SEQUENCE + 1}, "final_sequence.main"),
        ({"": 1}, "final_sequence"),
        ({"a b": 1}, "final_sequence"),
        ({f"leg-{at}": 1 for at in range(MAX_STREAMS + 1)}, "final_sequence"),
    ],
)
@pytest.mark.parametrize("state", CallState)
def test_final_sequences_out_of_bounds_are_refused(
    state: CallState, final_sequences: dict[str, int], field: str
) -> None:
    call = call_in(state)
    before = snapshot(call)
    with pytest.raises(InvalidValue) as refusal:
        call.complete(final_sequences, SETTLE_SECONDS, DONE)
    assert refusal.value.field == field
    assert snapshot(call) == before


def test_a_hostile_final_sequence_is_one_gap() -> None:
    call = started()
    call.complete({"main": MAX_SEQUENCE}, SETTLE_SECONDS, DONE)
    assert call.missing() == {"main": ((1, MAX_SEQUENCE),)}


def test_seconds_until_due_count_down_to_0() -> None:
    call = started()
    assert call.seconds_until_due(DONE) == 0
    call.complete({}, SETTLE_SECONDS, DONE)
    assert [call.seconds_until_due(DONE + timedelta(seconds=at)) for at in (0, 0.5, 2, 3)] == [2, 1.5, 0, 0]
    call.begin_run(SETTLED)
    assert call.seconds_until_due(DONE) == 0

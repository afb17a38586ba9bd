"""The moves between states: those of TRANSITIONS, by the call's own methods, and no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import pytest

from domain.call import Call
from domain.call_state import AWAITING_AI, TRANSITIONS, CallState
from domain.errors import CallConflict, IllegalTransition, RunSuperseded
from domain.events import CallArchived
from tests.unit.domain.example_calls import (
    ANALYSIS,
    REFUSED,
    SETTLE_SECONDS,
    UNAVAILABLE,
    after,
    call_in,
    snapshot,
)

LATER = after(100)

Move = Callable[[Call], object]

MOVES: dict[CallState, Sequence[Move]] = {
    CallState.IN_PROGRESS: [],
    CallState.COMPLETED: [lambda call: call.complete({}, SETTLE_SECONDS, LATER)],
    CallState.PROCESSING_AI: [lambda call: call.begin_run(LATER), lambda call: call.reprocess(LATER)],
    CallState.ARCHIVED: [lambda call: call.archive(call.runs, ANALYSIS, LATER)],
    CallState.FAILED: [
        lambda call: call.fail(call.runs, REFUSED, LATER),
        lambda call: call.postpone(call.runs, UNAVAILABLE, [], LATER),
    ],
}
"""All that leads to each state."""

PAIRS = list(product(CallState, CallState))
LEGAL = [(origin, wanted) for origin, wanted in PAIRS if wanted in TRANSITIONS[origin]]
ILLEGAL = [(origin, wanted) for origin, wanted in PAIRS if wanted not in TRANSITIONS[origin]]


def name(value: object) -> str:
    return value.value if isinstance(value, CallState) else ""


@pytest.mark.parametrize(("origin", "wanted"), LEGAL, ids=name)
def test_each_legal_move_is_made_by_a_method(origin: CallState, wanted: CallState) -> None:
    reached = []
    for move in MOVES[wanted]:
        call = call_in(origin)
        try:
            move(call)
        except CallConflict:
            continue
        reached.append(call.state)
    assert wanted in reached


@pytest.mark.parametrize(("origin", "wanted"), ILLEGAL, ids=name)
def test_no_method_makes_an_illegal_move(origin: CallState, wanted: CallState) -> None:
    for move in MOVES[wanted]:
        call = call_in(origin)
        before = snapshot(call)
        try:
            move(call)
        except CallConflict:
            assert snapshot(call) == before
        assert call.state is origin


@pytest.mark.parametrize(("origin", "wanted"), ILLEGAL, ids=name)
def test_the_table_guards_the_state_whatever_method_writes_it(origin: CallState, wanted: CallState) -> None:
    if origin is wanted:
        return
    call = call_in(origin)
    before = snapshot(call)
    with pytest.raises(IllegalTransition) as refusal:
        call._move_to(wanted, CallArchived(1), LATER)
    assert (refusal.value.current, refusal.value.wanted) == (origin, wanted)
    assert snapshot(call) == before


@pytest.mark.parametrize("state", [CallState.IN_PROGRESS, CallState.ARCHIVED, CallState.FAILED])
def test_no_run_begins_where_none_is_owed(state: CallState) -> None:
    with pytest.raises(IllegalTransition, match=state.value):
        call_in(state).begin_run(LATER)


@pytest.mark.parametrize("state", [CallState.IN_PROGRESS, CallState.COMPLETED, CallState.PROCESSING_AI])
def test_only_a_call_that_is_over_is_reprocessed(state: CallState) -> None:
    with pytest.raises(IllegalTransition, match=state.value):
        call_in(state).reprocess(LATER)


@pytest.mark.parametrize("state", [state for state in CallState if state is not CallState.PROCESSING_AI])
@pytest.mark.parametrize("ending", [*MOVES[CallState.ARCHIVED], *MOVES[CallState.FAILED]])
def test_only_a_run_ends_the_work_on_a_call(state: CallState, ending: Move) -> None:
    with pytest.raises(RunSuperseded):
        ending(call_in(state))


@pytest.mark.parametrize("state", CallState)
def test_work_is_owed_from_completion_until_the_call_is_archived_or_failed(state: CallState) -> None:
    owed = state in {CallState.COMPLETED, CallState.PROCESSING_AI}
    assert call_in(state).awaits_ai is owed
    assert (state in AWAITING_AI) is owed

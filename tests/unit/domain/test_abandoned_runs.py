"""Runs of which nothing came: three in a row, and the call is set aside."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.analysis import Failure, FailureReason, Transcript
from domain.call import Call
from domain.call_state import CallState
from domain.errors import RunSuperseded
from domain.events import CallFailed
from tests.unit.domain.example_calls import (
    ANALYSIS,
    DELAYS_SECONDS,
    TRANSCRIPT,
    UNAVAILABLE,
    after,
    archived,
    completed,
    failed,
    processing,
    snapshot,
    started,
)

POISON = Failure(FailureReason.POISON, "3 processes in a row ended while they worked on it")


def abandoned(times: int) -> Call:
    """In a run, after so many that were abandoned."""
    call = processing()
    for number in range(times):
        call.abandon_run(after(100 + number))
        call.begin_run(after(100 + number))
    return call


def test_an_abandoned_run_writes_nothing_more_and_the_next_is_due_at_once() -> None:
    call = processing()
    call.abandon_run(after(40))
    assert (call.state, call.next_run_at, call.abandoned_runs) == (CallState.PROCESSING_AI, after(40), 1)
    with pytest.raises(RunSuperseded):
        call.save_transcript(1, TRANSCRIPT, after(41))
    assert call.begin_run(after(42)) == 2


def test_at_the_third_in_a_row_the_call_fails() -> None:
    call = abandoned(2)
    assert call.state is CallState.PROCESSING_AI
    call.abandon_run(after(200))
    assert (call.state, call.failure, call.next_run_at) == (CallState.FAILED, POISON, None)
    assert not call.awaits_ai
    assert call.take_unsaved_events()[-1].event == CallFailed(3, POISON.reason, POISON.detail)


def test_after_two_in_a_row_it_is_a_suspect() -> None:
    assert [abandoned(times).is_suspect for times in (0, 1, 2)] == [False, False, True]


def postponed() -> Call:
    call = processing()
    call.postpone(1, UNAVAILABLE, DELAYS_SECONDS, after(30))
    return call


@pytest.mark.parametrize("made", [started, completed, archived, failed, postponed])
def test_where_no_run_is_going_on_none_is_abandoned(made: Callable[[], Call]) -> None:
    call = made()
    before = snapshot(call)
    call.abandon_run(after(100))
    assert snapshot(call) == before


WRITES: dict[str, Callable[[Call], object]] = {
    "a part": lambda call: call.save_partial_transcript(call.runs, "part-1", Transcript("one")),
    "the transcript": lambda call: call.save_transcript(call.runs, TRANSCRIPT, after(300)),
    "the end": lambda call: call.archive(call.runs, ANALYSIS, after(300)),
    "giving up": lambda call: call.postpone(call.runs, UNAVAILABLE, DELAYS_SECONDS, after(300)),
    "handing on": lambda call: call.hand_on(call.runs, after(300)),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_what_a_run_writes_clears_the_call(write: Callable[[Call], object]) -> None:
    call = abandoned(2)
    write(call)
    assert call.abandoned_runs == 0
    assert not call.is_suspect


def test_a_run_that_is_handed_on_is_not_abandoned() -> None:
    call = processing()
    call.hand_on(1, after(30))
    assert (call.state, call.next_run_at, call.failed_runs) == (CallState.PROCESSING_AI, after(30), 0)
    call.abandon_run(after(31))
    assert call.abandoned_runs == 0


def test_a_call_that_was_set_aside_begins_afresh_when_it_is_reprocessed() -> None:
    call = abandoned(2)
    call.abandon_run(after(200))
    call.reprocess(after(300))
    assert (call.state, call.failure, call.abandoned_runs) == (CallState.PROCESSING_AI, None, 0)
    for number in range(2):
        call.begin_run(after(400 + number))
        call.abandon_run(after(400 + number))
        assert call.state is CallState.PROCESSING_AI

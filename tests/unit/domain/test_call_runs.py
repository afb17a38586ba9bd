"""Runs of the AI: the fence, what each may write, and how the call fails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import permutations

import pytest

from domain.analysis import Transcript
from domain.call import Call
from domain.call_state import CallState
from domain.errors import RunSuperseded
from domain.events import CallFailed, RunFailed
from tests.unit.domain.example_calls import (
    ANALYSIS,
    DELAYS_SECONDS,
    REFUSED,
    TRANSCRIPT,
    UNAVAILABLE,
    after,
    archived,
    completed,
    failed,
    processing,
    snapshot,
    taken_names,
)

Write = Callable[[Call, int, datetime], None]

WRITES: dict[str, Write] = {
    "part": lambda call, run, at: call.save_partial_transcript(run, "part-1", TRANSCRIPT),
    "transcript": lambda call, run, at: call.save_transcript(run, TRANSCRIPT, at),
    "archive": lambda call, run, at: call.archive(run, ANALYSIS, at),
    "postpone": lambda call, run, at: call.postpone(run, UNAVAILABLE, DELAYS_SECONDS, at),
    "hand on": lambda call, run, at: call.hand_on(run, at),
    "fail": lambda call, run, at: call.fail(run, REFUSED, at),
}
each_write = pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)


def refuses(call: Call, run: int, write: Write) -> bool:
    """Whether the call refuses what the run writes, and stays exactly as it was."""
    before = snapshot(call)
    try:
        write(call, run, after(50))
    except RunSuperseded:
        return snapshot(call) == before
    return False


def test_runs_are_numbered_from_1() -> None:
    call = completed()
    assert [call.begin_run(after(20)), call.begin_run(after(21)), call.begin_run(after(22))] == [1, 2, 3]
    assert call.runs == 3
    assert call.state is CallState.PROCESSING_AI


def test_no_further_run_is_due_while_one_is_going_on() -> None:
    assert processing().next_run_at is None


@each_write
def test_the_current_run_may_write(write: Write) -> None:
    call = processing()
    before = snapshot(call)
    write(call, 1, after(50))
    assert snapshot(call) != before


@each_write
@pytest.mark.parametrize("run", [-1, 0, 1, 2, 4])
def test_no_other_run_may_write(write: Write, run: int) -> None:
    call = processing()
    call.begin_run(after(21))
    assert call.begin_run(after(22)) == 3
    assert refuses(call, run, write)


def test_a_superseded_run_writes_nothing_in_any_order_and_its_successor_all() -> None:
    for order in permutations(WRITES.values()):
        call = processing()
        call.begin_run(after(21))
        assert all(refuses(call, 1, write) for write in order)
        call.save_partial_transcript(2, "part-1", TRANSCRIPT)
        assert all(refuses(call, 1, write) for write in order)
        call.save_transcript(2, TRANSCRIPT, after(22))
        assert all(refuses(call, 1, write) for write in order)
        call.archive(2, ANALYSIS, after(23))
        assert all(refuses(call, run, write) for write in order for run in (1, 2))


@each_write
@pytest.mark.parametrize("ended", [archived, failed])
def test_a_run_that_ended_may_not_write(write: Write, ended: Callable[[], Call]) -> None:
    assert refuses(ended(), 1, write)


@each_write
def test_a_run_that_gave_up_may_not_write(write: Write) -> None:
    call = processing()
    call.postpone(1, UNAVAILABLE, DELAYS_SECONDS, after(30))
    assert refuses(call, 1, write)
    call.begin_run(after(90))
    assert refuses(call, 1, write)


@each_write
@pytest.mark.parametrize("ended", [archived, failed])
def test_a_run_from_before_a_reprocessing_may_not_write(write: Write, ended: Callable[[], Call]) -> None:
    call = ended()
    call.reprocess(after(40))
    assert refuses(call, 1, write)
    assert call.begin_run(after(41)) == 2
    assert refuses(call, 1, write)


def test_parts_are_kept_until_the_transcript_is_whole() -> None:
    call = processing()
    call.save_partial_transcript(1, "part-1", Transcript("one"))
    call.begin_run(after(30))
    call.save_partial_transcript(2, "part-2", Transcript("two"))
    assert call.partial_transcripts == {"part-1": Transcript("one"), "part-2": Transcript("two")}
    assert not call.transcript_is_current
    call.save_transcript(2, TRANSCRIPT, after(31))
    assert (call.transcript, call.transcript_is_current, call.partial_transcripts) == (TRANSCRIPT, True, {})


def test_saving_the_same_transcript_again_changes_nothing() -> None:
    call = processing()
    call.save_transcript(1, TRANSCRIPT, after(30))
    before = snapshot(call)
    call.save_transcript(1, TRANSCRIPT, after(31))
    assert snapshot(call) == before


def test_a_transcript_is_kept_for_the_run_that_takes_over() -> None:
    call = processing()
    call.save_transcript(1, TRANSCRIPT, after(30))
    call.begin_run(after(31))
    assert (call.transcript, call.transcript_is_current) == (TRANSCRIPT, True)


def test_archiving_keeps_the_analysis_and_the_time() -> None:
    call = archived()
    assert (call.state, call.analysis, call.archived_at) == (CallState.ARCHIVED, ANALYSIS, after(31))
    assert (call.next_run_at, call.failure) == (None, None)


def test_runs_are_postponed_through_all_delays_and_then_the_call_fails() -> None:
    call = completed()
    for attempt, delay_seconds in enumerate(DELAYS_SECONDS, start=1):
        run = call.begin_run(after(1_000 * attempt))
        assert run == attempt
        call.postpone(run, UNAVAILABLE, DELAYS_SECONDS, after(1_000 * attempt))
        assert call.state is CallState.PROCESSING_AI
        assert call.next_run_at == after(1_000 * attempt + delay_seconds)
        assert (call.failed_runs, call.failure) == (attempt, None)
    call.begin_run(after(9_000))
    call.postpone(4, UNAVAILABLE, DELAYS_SECONDS, after(9_001))
    assert (call.state, call.failure, call.next_run_at) == (CallState.FAILED, UNAVAILABLE, None)
    assert (call.runs, call.failed_runs) == (4, 4)


def test_a_run_that_was_taken_over_did_not_give_up() -> None:
    call = completed()
    for _ in range(10):
        call.begin_run(after(20))
    call.postpone(10, UNAVAILABLE, DELAYS_SECONDS, after(30))
    assert (call.failed_runs, call.next_run_at) == (1, after(90))


@pytest.mark.parametrize(
    ("not_before_seconds", "waits_seconds"), [(0, 60), (59, 60), (61, 61), (7_200, 7_200)]
)
def test_a_delay_is_stretched_to_what_the_ai_asked_for(
    not_before_seconds: float, waits_seconds: float
) -> None:
    call = processing()
    call.postpone(1, UNAVAILABLE, DELAYS_SECONDS, after(30), not_before_seconds)
    assert call.next_run_at == after(30 + waits_seconds)
    assert call.seconds_until_due(after(30)) == waits_seconds


def test_what_the_ai_asked_for_does_not_prolong_the_last_run() -> None:
    call = processing()
    call.postpone(1, UNAVAILABLE, [], after(30), 7_200)
    assert (call.state, call.next_run_at) == (CallState.FAILED, None)


def test_a_postponed_run_tells_why_and_until_when() -> None:
    call = processing()
    call.postpone(1, UNAVAILABLE, iter(DELAYS_SECONDS), after(30))
    assert call.take_unsaved_events()[-1].event == RunFailed(1, UNAVAILABLE.detail, after(90))


def test_what_can_never_succeed_fails_the_call_at_once() -> None:
    call = processing()
    call.fail(1, REFUSED, after(30))
    assert (call.state, call.failure, call.next_run_at) == (CallState.FAILED, REFUSED, None)
    assert call.take_unsaved_events()[-1].event == CallFailed(1, REFUSED.reason, REFUSED.detail)


def test_an_archived_call_still_says_how_many_runs_gave_up() -> None:
    call = processing()
    call.postpone(1, UNAVAILABLE, DELAYS_SECONDS, after(30))
    call.begin_run(after(90))
    call.archive(2, ANALYSIS, after(91))
    assert (call.runs, call.failed_runs) == (2, 1)
    assert "run_failed" in taken_names(call)

"""A call that is over is worked on again, on request."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.analysis import Analysis, Sentiment, SentimentLabel, Transcript
from domain.call import Call
from domain.call_state import CallState
from tests.unit.domain.example_calls import (
    ANALYSIS,
    DELAYS_SECONDS,
    REFUSED,
    TRANSCRIPT,
    UNAVAILABLE,
    after,
    archived,
    failed,
    processing,
)

OTHER_TRANSCRIPT = Transcript("hallo")
OTHER_ANALYSIS = Analysis("Better.", Sentiment(SentimentLabel.NEUTRAL, 0))


@pytest.mark.parametrize("ended", [archived, failed])
def test_a_run_is_due_at_once_and_failures_are_forgotten(ended: Callable[[], Call]) -> None:
    call = ended()
    call.reprocess(after(40))
    assert (call.state, call.next_run_at) == (CallState.PROCESSING_AI, after(40))
    assert (call.failure, call.failed_runs) == (None, 0)
    assert call.begin_run(after(41)) == 2


def test_an_archived_calls_results_are_shown_until_they_are_replaced_and_not_reused() -> None:
    call = archived()
    call.reprocess(after(40))
    call.begin_run(after(41))
    assert (call.transcript, call.transcript_is_current) == (TRANSCRIPT, False)
    assert (call.analysis, call.archived_at) == (ANALYSIS, None)
    call.save_transcript(2, OTHER_TRANSCRIPT, after(42))
    assert (call.transcript, call.transcript_is_current) == (OTHER_TRANSCRIPT, True)
    call.archive(2, OTHER_ANALYSIS, after(43))
    assert (call.analysis, call.archived_at) == (OTHER_ANALYSIS, after(43))


def test_a_transcript_that_comes_out_the_same_again_is_current_again() -> None:
    call = archived()
    call.reprocess(after(40))
    call.begin_run(after(41))
    call.save_transcript(2, TRANSCRIPT, after(42))
    assert call.transcript_is_current


def test_an_archived_calls_parts_are_not_reused() -> None:
    call = processing()
    call.save_partial_transcript(1, "part-1", TRANSCRIPT)
    call.archive(1, ANALYSIS, after(30))
    call.reprocess(after(40))
    assert call.partial_transcripts == {}


def test_a_failed_calls_finished_steps_are_kept() -> None:
    call = failed()
    call.reprocess(after(40))
    call.begin_run(after(41))
    assert (call.transcript, call.transcript_is_current) == (TRANSCRIPT, True)


def test_a_failed_calls_finished_parts_are_kept() -> None:
    call = processing()
    call.save_partial_transcript(1, "part-1", TRANSCRIPT)
    call.fail(1, REFUSED, after(30))
    call.reprocess(after(40))
    assert call.partial_transcripts == {"part-1": TRANSCRIPT}


def test_a_reprocessing_that_fails_still_owes_the_new_transcript() -> None:
    call = archived()
    call.reprocess(after(40))
    call.begin_run(after(41))
    call.fail(2, REFUSED, after(42))
    call.reprocess(after(50))
    assert (call.transcript, call.transcript_is_current) == (TRANSCRIPT, False)


def test_the_delays_begin_anew() -> None:
    call = processing()
    call.postpone(1, UNAVAILABLE, DELAYS_SECONDS[:1], after(30))
    call.begin_run(after(90))
    call.postpone(2, UNAVAILABLE, DELAYS_SECONDS[:1], after(100))
    assert call.state is CallState.FAILED
    call.reprocess(after(200))
    call.begin_run(after(200))
    call.postpone(3, UNAVAILABLE, DELAYS_SECONDS[:1], after(210))
    assert (call.state, call.next_run_at) == (CallState.PROCESSING_AI, after(270))

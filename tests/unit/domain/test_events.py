"""A call's history: numbered without gaps, handed out once, each event with the state it led to."""

from __future__ import annotations

import attrs
import pytest

from domain.call import Call
from domain.call_state import CallState
from domain.events import CallEvent, CallStarted, RecordedEvent
from tests.unit.domain.example_calls import (
    ANALYSIS,
    DELAYS_SECONDS,
    REFUSED,
    START,
    TRANSCRIPT,
    UNAVAILABLE,
    after,
    archived,
    started,
    taken_story,
)


def test_a_calls_story_is_told_in_order_with_the_state_after_each_event() -> None:
    call = Call.start("c-1", START)
    call.complete({}, 2, after(10))
    call.begin_run(after(12))
    call.postpone(1, UNAVAILABLE, DELAYS_SECONDS, after(13))
    call.begin_run(after(73))
    call.save_transcript(2, TRANSCRIPT, after(74))
    call.archive(2, ANALYSIS, after(75))
    call.reprocess(after(80))
    call.begin_run(after(81))
    call.fail(3, REFUSED, after(82))
    assert taken_story(call) == [
        (1, "call_started", CallState.IN_PROGRESS),
        (2, "call_completed", CallState.COMPLETED),
        (3, "run_started", CallState.PROCESSING_AI),
        (4, "run_failed", CallState.PROCESSING_AI),
        (5, "run_started", CallState.PROCESSING_AI),
        (6, "call_transcribed", CallState.PROCESSING_AI),
        (7, "call_archived", CallState.ARCHIVED),
        (8, "reprocess_requested", CallState.PROCESSING_AI),
        (9, "run_started", CallState.PROCESSING_AI),
        (10, "call_failed", CallState.FAILED),
    ]
    assert call.version == 10


def test_an_event_bears_the_time_it_was_given() -> None:
    assert started().take_unsaved_events() == [RecordedEvent(1, START, CallState.IN_PROGRESS, CallStarted())]


def test_each_event_is_handed_out_once() -> None:
    call = started()
    assert [recorded.version for recorded in call.take_unsaved_events()] == [1]
    assert call.take_unsaved_events() == []
    call.complete({}, 2, after(10))
    assert [recorded.version for recorded in call.take_unsaved_events()] == [2]


def test_what_was_handed_out_stays_as_it_was() -> None:
    call = started()
    events = call.take_unsaved_events()
    call.complete({}, 2, after(10))
    assert len(events) == 1


def test_a_loaded_call_goes_on_from_its_version() -> None:
    loaded = attrs.evolve(archived())
    assert loaded.take_unsaved_events() == []
    loaded.reprocess(after(40))
    assert taken_story(loaded) == [(6, "reprocess_requested", CallState.PROCESSING_AI)]


def test_every_kind_of_event_has_a_name_of_its_own() -> None:
    names = [kind.name for kind in CallEvent.__subclasses__()]
    assert len(set(names)) == len(names) == 9


@pytest.mark.parametrize("kind", CallEvent.__subclasses__())
def test_an_event_cannot_be_changed(kind: type[CallEvent]) -> None:
    assert attrs.has(kind)
    event = CallStarted()
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        event.name = "other"  # type: ignore[misc]  # that it is refused is the point

"""The checker names whatever a run saved after another had begun, or after its own end."""

from __future__ import annotations

import attrs
import pytest

from faults.checker import check
from faults.observed import StoredEvent
from tests.unit.faults.good_run import effect, good_observed, good_telling, whole_history


def names_with(history: list[StoredEvent], state: str = "ARCHIVED") -> frozenset[str]:
    """Of a run in which the text call went this way, and nothing else is wrong with it."""
    good = good_observed()
    others = [event for event in good.events if event.call_id != "text"]
    numbered = [attrs.evolve(event, version=version) for version, event in enumerate(history, start=1)]
    calls = [attrs.evolve(good.calls[0], state=state, version=len(history)), good.calls[1]]
    return check(good_telling().records, attrs.evolve(good, calls=calls, events=[*numbered, *others])).names


def written(event: str, run: int, state: str = "PROCESSING_AI") -> StoredEvent:
    return StoredEvent("text", 0, state, event, run)


def test_a_run_that_takes_over_from_one_that_saves_nothing_more_is_right() -> None:
    begun = whole_history("text")[:4]
    history = [*begun, written("run_started", 2), written("call_archived", 2, "ARCHIVED")]
    assert names_with(history) == frozenset()


def test_a_run_that_begins_after_one_that_gave_up_is_right() -> None:
    begun = [*whole_history("text")[:4], written("run_failed", 1)]
    history = [*begun, written("run_started", 2), written("call_archived", 2, "ARCHIVED")]
    assert names_with(history) == frozenset()


@pytest.mark.parametrize("late", ["call_transcribed", "run_failed"])
def test_what_a_superseded_run_saved_while_its_successor_worked_is_named(late: str) -> None:
    begun = [*whole_history("text")[:3], written("run_started", 2)]
    history = [*begun, written(late, 1), written("call_archived", 2, "ARCHIVED")]
    assert names_with(history) == {"superseded_run_saved"}


def test_a_result_of_a_superseded_run_after_that_of_its_successor_is_named() -> None:
    begun = [*whole_history("text")[:3], written("run_started", 2), written("call_archived", 2, "ARCHIVED")]
    assert "superseded_run_saved" in names_with([*begun, written("call_archived", 1, "ARCHIVED")])


def test_a_run_that_ends_twice_is_named() -> None:
    again = [*whole_history("text"), written("call_archived", 1, "ARCHIVED")]
    assert "superseded_run_saved" in names_with(again)


def test_a_result_of_a_run_that_never_began_is_named() -> None:
    history = [event for event in whole_history("text") if event.event != "run_started"]
    assert "superseded_run_saved" in names_with(history)


def test_a_run_that_was_frozen_may_finish_its_step_after_its_successor_saved_it() -> None:
    """Nobody can tell it before it saves; that a fault lies between is what excuses it."""
    good = good_observed()
    late = attrs.evolve(good, ai_requests=[*good.ai_requests, effect("text:0:analysis", 1_200.0)])
    telling = good_telling()
    assert check(telling.records, late).names == {"effect_repeated_without_fault"}
    telling.broke("worker woken", 1_199.0)
    assert check(telling.records, late).names == frozenset()


@pytest.mark.parametrize(
    ("seconds_before", "names"), [(20.0, set()), (40.0, {"effect_repeated_without_fault"})]
)
def test_what_took_a_call_from_a_run_explains_what_that_run_still_did(
    seconds_before: float, names: set[str]
) -> None:
    good, telling = good_observed(), good_telling()
    late = effect("text:0:analysis", 1_103.0)
    telling.broke("worker frozen", 1_100.0 - seconds_before)
    observed = attrs.evolve(good, ai_requests=[*good.ai_requests, late])
    assert check(telling.records, observed).names == names


@pytest.mark.parametrize("is_superseded", [True, False])
def test_what_a_superseded_run_did_may_be_done_again(is_superseded: bool) -> None:
    good, telling = good_observed(), good_telling()
    late = effect("text:0:analysis", 1_095.0)
    successors = attrs.evolve(effect("text:1:analysis", 1_094.0), effect=False)
    telling.broke("worker frozen", 1_080.0)
    others = [late, successors] if is_superseded else [late]
    names = check(telling.records, attrs.evolve(good, ai_requests=[*others, *good.ai_requests])).names
    assert names == (frozenset() if is_superseded else {"effect_repeated_without_fault"})


@pytest.mark.parametrize(("seconds", "is_explained"), [(0.1, True), (0.3, False)])
def test_a_fault_while_a_request_was_on_its_way_explains_that_it_was_sent_again(
    seconds: float, is_explained: bool
) -> None:
    good, telling = good_observed(), good_telling()
    lost = effect("text:0:analysis", 1_090.0)
    telling.broke("worker frozen", lost.answered_at_seconds - lost.elapsed_seconds - seconds)
    names = check(telling.records, attrs.evolve(good, ai_requests=[lost, *good.ai_requests])).names
    assert names == (frozenset() if is_explained else {"effect_repeated_without_fault"})

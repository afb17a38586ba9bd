"""A call of which nothing is heard any more counts as over."""

from __future__ import annotations

import pytest

from domain.call_state import CallState
from domain.delivery import Delivery
from domain.errors import DeliveryRefused
from domain.events import CallCompleted, CompletionReason
from tests.deliveries import receive
from tests.unit.domain.example_calls import after, call_in, packet, snapshot, started

IDLE_SECONDS = 300.0


def test_a_call_without_any_packet_counts_from_its_start() -> None:
    call = started()
    assert not call.complete_if_idle(IDLE_SECONDS, after(299.999))
    assert call.complete_if_idle(IDLE_SECONDS, after(300))
    assert (call.state, call.completed_at) == (CallState.COMPLETED, after(300))


def test_a_call_counts_from_its_latest_packet_whatever_its_stream() -> None:
    call = started()
    receive(call, packet(1, stream="caller"), None, after(100))
    receive(call, packet(1, stream="agent"), None, after(200))
    assert not call.complete_if_idle(IDLE_SECONDS, after(499.999))
    assert call.complete_if_idle(IDLE_SECONDS, after(500))


def test_a_duplicate_is_no_news_of_the_call() -> None:
    call = started()
    receive(call, packet(1), None, after(100))
    receive(call, packet(1), b"hello", after(200))
    assert call.last_packet_at == after(100)


def test_a_refused_delivery_is_no_news_of_the_call() -> None:
    call = started()
    receive(call, packet(1), None, after(100))
    with pytest.raises(DeliveryRefused):
        call.receive(Delivery("c-1", (packet(2), packet(3, "a\0b"))), {}, after(200))
    assert call.last_packet_at == after(100)


def test_its_first_run_is_due_at_once() -> None:
    """What was under way has had more time than any settling gives it."""
    call = started()
    call.complete_if_idle(IDLE_SECONDS, after(300))
    assert call.next_run_at == after(300)
    assert call.final_sequences == {}
    assert call.begin_run(after(300)) == 1


def test_history_tells_who_said_that_the_call_was_over() -> None:
    silent, ended = started(), started()
    silent.complete_if_idle(IDLE_SECONDS, after(300))
    ended.complete({}, 2, after(300))
    assert silent.take_unsaved_events()[-1].event == CallCompleted(CompletionReason.IDLE)
    assert ended.take_unsaved_events()[-1].event == CallCompleted(CompletionReason.REQUESTED)


@pytest.mark.parametrize("state", [state for state in CallState if state is not CallState.IN_PROGRESS])
def test_what_is_over_is_not_completed_again(state: CallState) -> None:
    call = call_in(state)
    before = snapshot(call)
    assert not call.complete_if_idle(IDLE_SECONDS, after(10_000))
    assert snapshot(call) == before


def test_the_end_that_comes_after_all_changes_nothing() -> None:
    call = started()
    call.complete_if_idle(IDLE_SECONDS, after(300))
    before = snapshot(call)
    call.complete({"main": 500}, 2, after(301))
    assert snapshot(call) == before

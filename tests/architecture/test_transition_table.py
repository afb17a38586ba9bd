"""The one table of legal moves is the documented one."""

from __future__ import annotations

from domain.call_state import TRANSITIONS, CallState


def test_the_table_has_a_row_for_each_state() -> None:
    assert TRANSITIONS.keys() == set(CallState)


def test_the_table_allows_the_documented_moves_and_no_other() -> None:
    moves = {(origin.value, wanted.value) for origin, row in TRANSITIONS.items() for wanted in row}
    assert moves == {
        ("IN_PROGRESS", "COMPLETED"),
        ("COMPLETED", "PROCESSING_AI"),
        ("PROCESSING_AI", "ARCHIVED"),
        ("PROCESSING_AI", "FAILED"),
        ("FAILED", "PROCESSING_AI"),
        ("ARCHIVED", "PROCESSING_AI"),
    }


def test_a_state_is_stored_and_shown_under_its_name() -> None:
    assert {state.name for state in CallState} == {state.value for state in CallState}

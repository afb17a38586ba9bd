"""The tree of errors, and what each says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import ModuleType

import pytest

import application.errors
import domain.errors
from domain.call_state import CallState
from domain.errors import (
    CallClosed,
    CallConflict,
    CallDiffers,
    DataTooLarge,
    IllegalTransition,
    InvalidValue,
    NoAudio,
    RunSuperseded,
    SequenceConflict,
    TrunklineError,
    UnknownCall,
)

DRAWN_LINE = re.compile(r"^ {4}(?P<lead>[│├└─ ]*)(?P<name>[A-Z]\w+)")


def drawn_tree(module: ModuleType) -> set[tuple[str, str]]:
    """Parent and child of each branch drawn in a module's docstring."""
    branches, path = set[tuple[str, str]](), list[str]()
    for line in (module.__doc__ or "").splitlines():
        if drawn := DRAWN_LINE.match(line):
            depth = len(drawn["lead"]) // 4
            path[depth:] = [drawn["name"]]
            if depth:
                branches.add((path[depth - 1], path[depth]))
    return branches


def classes_of(module: ModuleType) -> list[type[TrunklineError]]:
    found: list[type[TrunklineError]] = [TrunklineError, *subclasses(TrunklineError)]
    return [error for error in found if error.__module__ == module.__name__]


def subclasses(error: type[TrunklineError]) -> Iterator[type[TrunklineError]]:
    for child in error.__subclasses__():
        yield child
        yield from subclasses(child)


ALL = [*classes_of(domain.errors), *classes_of(application.errors)]


@pytest.mark.parametrize(
    "module", [domain.errors, application.errors], ids=lambda module: str(module.__name__)
)
def test_the_drawn_tree_is_the_real_one(module: ModuleType) -> None:
    real = {
        (parent.__name__, error.__name__)
        for error in classes_of(module)
        for parent in error.__bases__
        if parent is not Exception
    }
    assert drawn_tree(module) == real


@pytest.mark.parametrize("error", ALL)
def test_a_title_is_the_first_line_of_the_docstring_without_its_full_stop(
    error: type[TrunklineError],
) -> None:
    assert "__doc__" in vars(error)
    assert error.__doc__ is not None
    assert error.title() + "." == error.__doc__.splitlines()[0]


def test_titles_tell_the_errors_apart() -> None:
    assert len({error.title() for error in ALL}) == len(ALL)


def test_the_title_is_the_message_where_there_are_no_facts() -> None:
    assert CallConflict().detail == "The call's state or its earlier packets forbid this"
    assert str(CallConflict("for this reason")) == "for this reason"


@pytest.mark.parametrize(
    ("error", "facts"),
    [
        (InvalidValue("media.channels", "must be 1"), ["media.channels", "must be 1"]),
        (DataTooLarge("data", "is larger"), ["data", "is larger"]),
        (UnknownCall("c-1"), ["'c-1'"]),
        (CallDiffers("c-1", "metadata"), ["'c-1'", "metadata"]),
        (CallClosed("c-1", CallState.ARCHIVED), ["'c-1'", "ARCHIVED"]),
        (SequenceConflict("c-1", "leg#2", 17), ["'c-1'", "'leg#2'", "17"]),
        (IllegalTransition("c-1", CallState.FAILED, CallState.ARCHIVED), ["'c-1'", "FAILED", "ARCHIVED"]),
        (RunSuperseded("c-1", 4, 5), ["'c-1'", "run 4", "run 5"]),
        (NoAudio("c-1"), ["'c-1'"]),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, TrunklineError) else "",
)
def test_a_message_names_the_facts(error: TrunklineError, facts: list[str]) -> None:
    assert error.detail == str(error)
    assert [fact for fact in facts if fact not in error.detail] == []


def test_an_invalid_value_knows_its_field_and_problem() -> None:
    error = InvalidValue("media.channels", "must be from 1 to 8")
    assert (error.field, error.problem) == ("media.channels", "must be from 1 to 8")

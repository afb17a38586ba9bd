"""Makes requests into the classes of the wire, without coercing anything, and those into JSON's parts."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated, Any, get_args, get_origin

import attrs
import cattrs
import msgspec
from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError

from entrypoints.http.wire import FieldProblem


class MalformedBody(Exception):
    """A body that is JSON but not what the route takes."""

    def __init__(self, errors: list[FieldProblem]) -> None:
        super().__init__("; ".join(f"{error.path}: {error.detail}" for error in errors))
        self.errors = errors


def _is_constrained_scalar(kind: Any) -> bool:
    return get_origin(kind) is Annotated and get_args(kind)[0] in (int, float, str)


def _is_constrained_array(kind: Any) -> bool:
    return get_origin(kind) is Annotated and get_origin(get_args(kind)[0]) is tuple


def _strict(value: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    for scalar in (int, float, str, bool):
        converter.register_structure_hook(scalar, _strict)
    converter.register_structure_hook_func(_is_constrained_scalar, _strict)
    converter.register_structure_hook_func(
        lambda kind: isinstance(kind, type) and issubclass(kind, Enum), _strict
    )

    def array(value: Any, kind: Any) -> Any:
        """Text too has items, but is no array."""
        items, bounds = get_args(kind)
        if not (isinstance(value, list) and bounds.min_length <= len(value) <= bounds.max_length):
            raise ValueError(f"must be an array of {bounds.min_length} to {bounds.max_length} items")
        return converter.structure(value, items)

    converter.register_structure_hook_func(_is_constrained_array, array)
    converter.register_unstructure_hook(datetime, lambda moment: moment)
    return converter


converter = _converter()


def structure(body: Any, kind: type[attrs.AttrsInstance]) -> Any:
    """The body as an instance of ``kind``. Raises MalformedBody, naming every bad field."""
    if not isinstance(body, dict):
        raise MalformedBody([FieldProblem("", "must be an object")])
    try:
        return converter.structure(body, kind)
    except ClassValidationError as error:
        raise MalformedBody(_field_problems(error, "")) from None


def _field_problems(error: BaseException, path: str) -> list[FieldProblem]:
    if isinstance(error, ClassValidationError):
        with_notes, without = error.group_exceptions()
        problems = [
            problem
            for inner, note in with_notes
            for problem in _field_problems(inner, _joined(path, note.name))
        ]
        return problems + [problem for inner in without for problem in _field_problems(inner, path)]
    if isinstance(error, IterableValidationError):
        with_indexes, _ = error.group_exceptions()
        return [
            problem
            for inner, note in with_indexes
            for problem in _field_problems(inner, _joined(path, str(note.index)))
        ]
    if isinstance(error, ForbiddenExtraKeysError):
        return [
            FieldProblem(_joined(path, name), "is not a known field") for name in sorted(error.extra_fields)
        ]
    if isinstance(error, KeyError):
        return [FieldProblem(path, "is required")]
    if isinstance(error, ValueError):
        return [FieldProblem(path, str(error))]
    return [FieldProblem(path, "has the wrong type")]


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name

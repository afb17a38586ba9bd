"""Answers checked against types, with nothing coerced."""

from __future__ import annotations

from typing import Final, TypeVar

from cattrs import Converter, transform_error
from cattrs.errors import BaseValidationError

T = TypeVar("T")


class BadShape(Exception):
    """An answer is not of the shape it must have. ``path`` is where, like ``$.sentiment.score``."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def _text(value: object, _: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a string")
    return value


def _number(value: object, _: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("not a number")
    return float(value)


def strict_converter(*, forbid_extra_keys: bool) -> Converter:
    converter = Converter(forbid_extra_keys=forbid_extra_keys)
    converter.register_structure_hook(str, _text)
    converter.register_structure_hook(float, _number)
    return converter


ENVELOPE: Final = strict_converter(forbid_extra_keys=False)
"""For what services wrap their results in: they add fields as they please."""
OURS: Final = strict_converter(forbid_extra_keys=True)
"""For what a model was told the whole schema of."""


def structured(value: object, shape: type[T], converter: Converter) -> T:
    """Raises BadShape."""
    if not isinstance(value, dict):
        raise BadShape("$")
    try:
        return converter.structure(value, shape)
    except BaseValidationError as error:
        # Only the path: messages can repeat what was received.
        raise BadShape(transform_error(error)[0].rpartition(" @ ")[2]) from None

"""What the simulators' options may be.

Each reader raises argparse's own error: the parser answers a bad value with one line and exit status 2.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any, Final

MAX_PORT: Final = 65_535


def number_from_zero(text: str) -> float:
    """A finite number, 0 or more."""
    number = _number(text)
    if not (isfinite(number) and number >= 0):
        raise argparse.ArgumentTypeError(f"must be a number from 0 up, not {text!r}")
    return number


def share(text: str) -> float:
    """A number from 0 to 1."""
    number = _number(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"must be a share from 0 to 1, not {text!r}")
    return number


def count(text: str) -> int:
    """An integer, 1 or more."""
    number = whole_number(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 up, not {text!r}")
    return number


def whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, not {text!r}") from None


def port(text: str) -> int:
    number = whole_number(text)
    if not 0 <= number <= MAX_PORT:
        raise argparse.ArgumentTypeError(f"must be a port from 0 to {MAX_PORT}, not {text!r}")
    return number


def file_to_append(text: str) -> Path:
    """The path of a file that can be written to; it is made if it is not there."""
    path = Path(text)
    try:
        path.open("a").close()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"cannot write to {text!r}: {error.strerror}") from None
    return path


class FromTo(argparse.Action):
    """Takes two numbers, of which the second is not the smaller one, and stores them as a tuple."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        assert isinstance(values, list)
        low, high = values
        if low > high:
            raise argparse.ArgumentError(self, f"the first must not be above the second: {low:g} {high:g}")
        setattr(namespace, self.dest, (low, high))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, not {text!r}") from None

"""Text that came from a service, made fit to be kept or shown."""

from __future__ import annotations

import re
from typing import Final

_NOT_STORABLE: Final = re.compile("[\0\ud800-\udfff]")


def storable(text: str) -> str:
    """Without NUL characters and lone surrogates, which PostgreSQL and UTF-8 cannot hold."""
    return _NOT_STORABLE.sub("", text)


def one_line(text: str, most: int) -> str:
    """``most`` characters at most, all of them printable."""
    return "".join(character if character.isprintable() else " " for character in text[:most]).strip()


def repeats(message: str, private: str) -> bool:
    """Whether the message holds 20 characters on end of what is private, or all of it where that is less."""
    run = min(20, len(private))
    return run > 0 and any(message[start : start + run] in private for start in range(len(message) - run + 1))

"""What was asked before, and how it was answered."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Final

import attrs

MAX_NAMES: Final = 100_000


@attrs.frozen
class Answer:
    """A success: the body that was sent, and the digest of the question it answers."""

    question_digest: str
    body: bytes
    content_type: str


@attrs.define
class Past:
    """``working`` is held while the first success is being made: a second request waits for it."""

    times_seen: int = 0
    answer: Answer | None = None
    working: asyncio.Lock = attrs.field(factory=asyncio.Lock)


class Keys:
    """The past of each name; beyond MAX_NAMES the one longest unseen is forgotten."""

    def __init__(self) -> None:
        self._pasts: OrderedDict[str, Past] = OrderedDict()

    def seen(self, name: str) -> Past:
        """Counts one more request by this name."""
        past = self._pasts.setdefault(name, Past())
        self._pasts.move_to_end(name)
        past.times_seen += 1
        if len(self._pasts) > MAX_NAMES:
            self._pasts.popitem(last=False)
        return past

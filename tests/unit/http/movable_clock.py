"""A clock that is moved on, so that nobody waits."""

from __future__ import annotations

import asyncio
import selectors


class MovableClock(asyncio.SelectorEventLoop):
    """A loop whose time can be moved on."""

    def __init__(self) -> None:
        super().__init__(selectors.DefaultSelector())
        self.moved_seconds = 0.0

    def time(self) -> float:
        return super().time() + self.moved_seconds

"""How often something may be done that takes nobody knows how long."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import attrs


@attrs.define(eq=False)
class ShareOfTime:
    """Lets something be done for so large a part of the time at most, whether it goes well or fails."""

    _share: float
    _least_pause_seconds: float = 0.0
    _again_at: float = attrs.field(default=0.0, init=False)

    @property
    def allows(self) -> bool:
        return asyncio.get_running_loop().time() >= self._again_at

    @contextmanager
    def spent(self) -> Iterator[None]:
        """Around what is done."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            yield
        finally:
            took = loop.time() - began
            self._again_at = loop.time() + max(took / self._share, self._least_pause_seconds)

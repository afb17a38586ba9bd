"""Counters that a test moves."""

from __future__ import annotations

import attrs

from application.feed_ports import Figures


@attrs.define(eq=False)
class FakeFigures:
    """Implements FiguresReader."""

    now: Figures = attrs.field(factory=lambda: Figures(packets=0, acks=(), ai_attempts=0, ai_failures=0))

    def figures(self) -> Figures:
        return self.now

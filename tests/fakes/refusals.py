"""Refusals in memory."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from application.ports import KeptRefusal, Refusal, RefusalPosition
from tests.fakes.clock import FakeClock


@attrs.define(eq=False)
class FakeRefusals:
    """Implements Refusals. ``clock`` says when they are kept."""

    clock: FakeClock = attrs.field(factory=FakeClock)
    kept: dict[str, KeptRefusal] = attrs.field(factory=dict)

    async def keep(self, refusals: Sequence[Refusal]) -> None:
        for refusal in refusals:
            self.kept.setdefault(refusal.entry.entry_id, KeptRefusal(self.clock.now, refusal))

    async def newest(self, after: RefusalPosition | None, limit: int) -> Sequence[KeptRefusal]:
        newest_first = sorted(self.kept.values(), key=_place, reverse=True)
        below = [each for each in newest_first if after is None or _place(each) < (after.at, after.entry_id)]
        return below[:limit]


def _place(kept: KeptRefusal) -> tuple[object, str]:
    return kept.at, kept.refusal.entry.entry_id

"""Looking at what was acknowledged as spooled, and then refused."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from application.ports import KeptRefusal, RefusalPosition, Refusals


@attrs.frozen
class SpoolRefusals:
    _refusals: Refusals

    async def newest(
        self, after: RefusalPosition | None, limit: int
    ) -> tuple[Sequence[KeptRefusal], RefusalPosition | None]:
        """A page, newest first, and where the next one begins. Raises StorageUnavailable."""
        kept = await self._refusals.newest(after, limit + 1)
        if len(kept) <= limit:
            return kept, None
        last = kept[limit - 1]
        return kept[:limit], RefusalPosition(last.at, last.refusal.entry.entry_id)

"""Where ingestion goes: to the database, or to the journal while that is away.

Three states, and every change of state is made between two awaits of one event loop:

- *direct*: work is done at once. The first that fails for want of the database begins the spooling.
- *spooling*: everything new is appended to the journal, while :class:`ReplaySpool` carries out its entries.
- *closing*: what is new waits for the few entries that are left, for a second at most. So the replay catches
  up however fast things come in, and nothing overtakes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import attrs

from application.commands import Command
from application.errors import OthersFirst, OutcomeUnknown, SpoolUnavailable, StorageUnavailable
from application.ports import Journal

T = TypeVar("T")

DATABASE_SECONDS: Final = 1.0
"""A database that takes longer over a batch counts as away."""

TROUBLE_COUNTS_SECONDS: Final = 5.0
"""So long after it refused something, the spool counts as one that takes nothing."""


@attrs.frozen
class Spooled:
    """It is durable in the journal; what the call's rules make of it is not known yet."""


SPOOLED: Final = Spooled()

OTHERS_SECONDS: Final = 0.02
"""How often to ask whether other processes have caught up."""


async def _after_others(do: Callable[[], Awaitable[T]]) -> T:
    """Not spooled at once: processes that spool for each other would never all be done."""
    while True:
        try:
            return await do()
        except OthersFirst:
            await asyncio.sleep(OTHERS_SECONDS)


class Spool:
    def __init__(self, journal: Journal, database_seconds: float = DATABASE_SECONDS) -> None:
        self._journal = journal
        self._database_seconds = database_seconds
        self._is_open = False
        self._is_closing = False
        self._closed = asyncio.Event()
        self._closed.set()
        self._spooling = asyncio.Event()
        self._refused_at: float | None = None

    def open(self) -> None:
        """The journal can be used now. What it holds from before is replayed before anything new is done."""
        self._is_open = True
        if self._journal.size.entries:
            self._spooling.set()

    @property
    def is_spooling(self) -> bool:
        return self._spooling.is_set()

    @property
    def requests(self) -> int:
        """How many it holds."""
        return self._journal.size.entries

    @property
    def takes(self) -> bool:
        """Whether it would do instead of the database, as far as is known."""
        if not self._is_open:
            return False
        now = asyncio.get_running_loop().time()
        return self._refused_at is None or now - self._refused_at > TROUBLE_COUNTS_SECONDS

    async def carry_out(
        self, do: Callable[[], Awaitable[T]], commands: Callable[[], Sequence[Command]]
    ) -> T | Spooled:
        """What ``do`` answers; or SPOOLED, where the database is away, once the commands are durable here.

        Where its outcome is unknown it is spooled too: to do it again is harmless. Raises what ``do`` and
        ``commands`` refuse, and SpoolUnavailable.
        """
        while self._is_closing:
            await self._closed.wait()
        if not self.is_spooling:
            try:
                async with asyncio.timeout(self._database_seconds):
                    return await _after_others(do)
            except (StorageUnavailable, OutcomeUnknown, TimeoutError):
                self._spooling.set()
        await self._append(commands())
        return SPOOLED

    async def _append(self, commands: Sequence[Command]) -> None:
        try:
            await self._journal.append(commands)
        except SpoolUnavailable:
            self._refused_at = asyncio.get_running_loop().time()
            raise
        self._refused_at = None

    # -- for the replay --------------------------------------------------------------------------------

    def spool_again(self) -> None:
        """There is something in the journal that must come before anything new."""
        self._spooling.set()

    async def wait_until_spooling(self, within_seconds: float) -> bool:
        """Whether it is, by then."""
        try:
            async with asyncio.timeout(within_seconds):
                return await self._spooling.wait()
        except TimeoutError:
            return False

    @asynccontextmanager
    async def closing(self) -> AsyncIterator[None]:
        """Meanwhile nothing new is begun; afterwards it is done at once again if the journal is empty."""
        self._is_closing = True
        self._closed.clear()
        try:
            yield
            if not self._journal.size.entries:
                self._spooling.clear()
        finally:
            self._is_closing = False
            self._closed.set()

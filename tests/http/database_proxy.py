"""The faults' way to the database, for a service in a loop of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from faults.database_way import DatabaseWay, NextCommit


class DatabaseProxy:
    """Lives in the service's loop: whoever is elsewhere calls :meth:`cut` by ``service.run``."""

    def __init__(self) -> None:
        self.database_url = ""
        self._way = DatabaseWay(self.database_url)

    @asynccontextmanager
    async def reach(self, database_url: str) -> AsyncIterator[str]:
        self.database_url = database_url
        async with DatabaseWay(database_url).running() as self._way:
            yield self._way.url

    def meet_next_commit(self, fate: NextCommit) -> None:
        self._way.next_commit = fate

    async def cut(self) -> None:
        """The database is gone: every connection breaks, and no new one is made."""
        self._way.shut()

    async def silence(self) -> None:
        """The database is a black hole: connections are made and stay, and nothing gets through."""
        self._way.go_dark()

    async def restore(self) -> None:
        """Connections that were silent have lost something, and break."""
        self._way.cut()
        self._way.come_back()

"""What an experiment has at hand: the service under load, what it stands on, and ways to break them."""

from __future__ import annotations

import asyncio

import attrs

from faults.database_way import DatabaseWay, NextCommit
from faults.history import HistoryWriter
from faults.postgres import KillablePostgres
from faults.processes import RestartableProcess
from faults.violation import Violation


@attrs.define(eq=False)
class Stage:
    """Every way of breaking tells the history when it broke what, and when that was mended.

    ``violations`` are those that show at once, and not in what is there in the end.
    """

    postgres: KillablePostgres
    service: RestartableProcess
    way: DatabaseWay
    history: HistoryWriter
    violations: list[Violation] = attrs.field(factory=list)

    async def kill_service(self) -> None:
        """kill -9, and start it again."""
        self.history.fault("service killed")
        await self.service.kill()
        await self.service.start()
        self.history.fault("service started again")

    async def restart_service(self) -> None:
        """SIGTERM, which it must answer with exit status 0, and start it again."""
        self.history.fault("service told to stop")
        status = await self.service.terminate()
        if status != 0:
            self.violations.append(Violation("stopped_badly", f"exit status {status} after SIGTERM"))
        await self.service.start()
        self.history.fault("service started again")

    async def kill_postgres(self, down_seconds: float) -> None:
        """kill -9 of all its processes, and after a while start it again."""
        self.history.fault("PostgreSQL killed")
        await self.postgres.kill()
        await asyncio.sleep(down_seconds)
        await self.postgres.start()
        self.history.fault("PostgreSQL started again")

    def cut_way(self) -> None:
        self.history.fault("connections to the database cut")
        self.way.cut()

    async def darken_way(self, seconds: float) -> None:
        self.history.fault("way to the database dark")
        self.way.go_dark()
        await asyncio.sleep(seconds)
        self.way.come_back()
        self.history.fault("way to the database open again")

    def lose_next_commit(self, fate: NextCommit) -> None:
        """Whatever it belongs to; the way tells the history when it happens."""
        self.way.next_commit = fate

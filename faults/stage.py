"""What an experiment has at hand: the service under load, what it stands on, and ways to break them."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Final, Protocol

import attrs

from faults.database_way import DatabaseWay, NextCommit
from faults.history import HistoryWriter
from faults.postgres import KillablePostgres
from faults.processes import RestartableProcess
from faults.small_disk import SmallDisk
from faults.violation import Violation

DRAIN_SECONDS: Final = 8
"""What the processes are given to leave in (``TRUNKLINE_DRAIN_SECONDS``)."""
TOLD_WITHIN_SECONDS: Final = 60
"""After the last fault: every sender must have been told by then."""


class RunningLoad(Protocol):
    """Ends some time after it was told to stop, when all of it has been told."""

    async def run(self) -> None: ...

    def stop(self) -> None: ...


@attrs.define(eq=False)
class Stage:
    """Every way of breaking tells the history when it broke what, and when that was mended.

    ``second`` is another `serve` on the same database and spool, ``worker`` a `work`; whoever wants one
    starts it. ``violations`` are those that show at once, and not in what is there in the end; ``remarks``
    are lines for the report.
    """

    postgres: KillablePostgres
    database_url: str
    """Without the way."""
    service: RestartableProcess
    second: RestartableProcess
    worker: RestartableProcess
    ai: RestartableProcess
    way: DatabaseWay
    history: HistoryWriter
    disk: SmallDisk | None = None
    """The small one, where the experiment asks for one."""
    most_rounds: int | None = None
    violations: list[Violation] = attrs.field(factory=list)
    remarks: list[str] = attrs.field(factory=list)

    def rounds(self, seconds: float) -> Iterator[int]:
        """One for each fault and its mending: as many as are asked for, or until time is up; one at least."""
        until = time.monotonic() + seconds
        for number in itertools.count(1):
            yield number
            is_over = time.monotonic() > until if self.most_rounds is None else number >= self.most_rounds
            if is_over:
                return

    @asynccontextmanager
    async def under(self, load: RunningLoad) -> AsyncIterator[None]:
        """The load goes on meanwhile, and is then stopped and waited for."""
        running = asyncio.create_task(load.run())
        try:
            yield
            load.stop()
            told, _ = await asyncio.wait({running}, timeout=TOLD_WITHIN_SECONDS)
            if not told:
                waited = f"senders still waited {TOLD_WITHIN_SECONDS} s after the last fault"
                self.violations.append(Violation("never_told", waited))
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    async def kill_service(self) -> None:
        """kill -9, and start it again."""
        await self._kill(self.service, "service")

    async def kill_worker(self) -> None:
        """kill -9, and start it again."""
        await self._kill(self.worker, "worker")

    async def _kill(self, process: RestartableProcess, name: str) -> None:
        self.history.fault(f"{name} killed")
        await process.kill()
        await process.start()
        self.history.fault(f"{name} started again")

    async def restart_service(self) -> None:
        """SIGTERM, which it must answer with exit status 0, and start it again."""
        await self.stop(self.service)
        await self.service.start()
        self.history.fault("service started again")

    async def stop(self, process: RestartableProcess) -> float:
        """By SIGTERM, which it must answer with exit status 0; how many seconds it took."""
        self.history.fault("service told to stop")
        began = time.monotonic()
        status = await process.terminate()
        if status != 0:
            self.violations.append(Violation("stopped_badly", f"exit status {status} after SIGTERM"))
        return time.monotonic() - began

    async def kill_postgres(self, down_seconds: float) -> None:
        """kill -9 of all its processes, and after a while start it again."""
        await self.kill_postgres_for_now()
        await asyncio.sleep(down_seconds)
        await self.start_postgres()

    async def kill_postgres_for_now(self) -> None:
        """The same until :meth:`start_postgres`."""
        self.history.fault("PostgreSQL killed")
        await self.postgres.kill()

    async def start_postgres(self) -> None:
        await self.postgres.start()
        self.history.fault("PostgreSQL started again")

    def fill_disk(self) -> None:
        assert self.disk is not None, "there is none"
        self.history.fault("disk full")
        self.disk.fill()

    def free_disk(self) -> None:
        assert self.disk is not None, "there is none"
        self.disk.free()
        self.history.fault("disk has room again")

    async def restart_postgres_fast(self) -> None:
        """Stopped as an operator stops it, and started again at once."""
        self.history.fault("PostgreSQL told to stop")
        await self.postgres.stop_fast()
        await self.postgres.start()
        self.history.fault("PostgreSQL started again")

    def cut_way(self) -> None:
        self.history.fault("connections to the database cut")
        self.way.cut()

    async def darken_way(self, seconds: float, forgotten_share: float = 0.0) -> None:
        """Afterwards a share of its connections stays dark."""
        self.history.fault("way to the database dark")
        self.way.go_dark()
        await asyncio.sleep(seconds)
        self.way.come_back(forgotten_share)
        self.history.fault("way to the database open again")

    def slow_way(self, low_seconds: float, high_seconds: float) -> None:
        self.history.fault(f"way to the database takes {low_seconds:g} to {high_seconds:g} s")
        self.way.latency_seconds = (low_seconds, high_seconds)

    def reset_way(self, at_share: float) -> None:
        """Whichever connection next carries something; the way tells the history when it happens."""
        self.way.reset_next(at_share)

    def lose_next_commit(self, fate: NextCommit) -> None:
        """Whatever it belongs to; the way tells the history when it happens."""
        self.way.next_commit = fate

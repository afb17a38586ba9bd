"""Takes jobs from the durable queue and has them executed."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Final

import asyncpg
from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.qm import QueueManager
from pgqueuer.ports.driver import NotifyCallback

from adapters.jobs.job_executor import ProcessCallExecutor
from adapters.jobs.job_queue import ENTRYPOINT

# After a kill, a job is picked up again at most the sum of these two later.
HEARTBEAT_TIMEOUT: Final = timedelta(seconds=15)
DEQUEUE_TIMEOUT: Final = timedelta(seconds=2)

POOL_SIZE: Final = 3
"""Connections that the queue needs of its own: one listens, and a beat never waits for a dequeue."""


class PoolDriver(AsyncpgPoolDriver):
    """Gives the listener's place in the pool back, however its connection was lost.

    Notifies nobody before somebody listens: PgQueuer sends its first probe while it begins to listen, and
    where the probe was faster it took the listener for dead, and ended the run ten seconds later.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        super().__init__(pool)
        self._listens = asyncio.Event()

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        await super().add_listener(channel, callback)
        self._listens.set()

    async def notify(self, channel: str, payload: str) -> None:
        await self._listens.wait()
        await super().notify(channel, payload)

    async def __aexit__(self, *error: object) -> None:
        listener = self._listener_connection
        try:
            await super().__aexit__(*error)
        finally:
            if listener is not None:
                with suppress(asyncpg.InterfaceError):  # it is given back already
                    listener.terminate()


class JobRunner:
    """Runs until it is told to stop. Any number of processes may run one on the same database."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        executor: ProcessCallExecutor,
        concurrency: int,
        heartbeat_timeout: timedelta = HEARTBEAT_TIMEOUT,
    ) -> None:
        """``pool`` is the queue's alone, of POOL_SIZE connections."""
        self._pool = pool
        self._executor = executor
        self._batch_size = max(1, concurrency // 2)  # PgQueuer wants at least two batches at a time
        self._heartbeat_timeout = heartbeat_timeout
        self._is_stopped = False
        self._shutdown = asyncio.Event()

    async def run(self) -> None:
        """Ends once stopped and drained; raises where the database is in trouble, and may be run again.

        When it is cancelled, it hands on what is running.
        """
        if self._is_stopped:
            return
        manager = QueueManager(Queries(PoolDriver(self._pool)))
        self._shutdown = manager.shutdown  # of this run only: a failing listener sets it too
        manager.register_executor(ENTRYPOINT, self._executor)
        taking = asyncio.create_task(
            manager.run(
                dequeue_timeout=DEQUEUE_TIMEOUT,
                batch_size=self._batch_size,
                max_concurrent_tasks=2 * self._batch_size,
                shutdown_on_listener_failure=True,
                heartbeat_timeout=self._heartbeat_timeout,
            ),
            name="take jobs",
        )
        try:
            await asyncio.wait({taking})
        except asyncio.CancelledError:
            await self._hand_on_all(taking)
            raise
        await taking

    async def _hand_on_all(self, taking: asyncio.Task[None]) -> None:
        """The manager, when it is cancelled, waits for its jobs to end in their own time; so it is not."""
        self._shutdown.set()
        while not taking.done():
            self.hand_on()  # again and again, for a dequeue that was under way may bring more
            await asyncio.wait({taking}, timeout=1)
        await asyncio.gather(taking, return_exceptions=True)  # its trouble is no news any more

    def stop(self) -> None:
        """Take no more jobs; what is running may finish."""
        self._is_stopped = True
        self._shutdown.set()

    def hand_on(self) -> int:
        """Put back what is still running, for any process to take up. How many jobs that were."""
        return self._executor.hand_on()

"""Takes jobs from the durable queue and has them executed."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import asyncpg
from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.qm import QueueManager

from adapters.jobs.job_executor import ProcessCallExecutor
from adapters.jobs.job_queue import ENTRYPOINT

# After a kill, a job is picked up again at most the sum of these two later.
HEARTBEAT_TIMEOUT: Final = timedelta(seconds=15)
DEQUEUE_TIMEOUT: Final = timedelta(seconds=2)

POOL_SIZE: Final = 3
"""Connections that the queue needs of its own: one listens, and a beat never waits for a dequeue."""


class JobRunner:
    """Runs until it is told to stop. Any number of processes may run one on the same database."""

    def __init__(self, pool: asyncpg.Pool, executor: ProcessCallExecutor, concurrency: int) -> None:
        """``pool`` is the queue's alone, of POOL_SIZE connections."""
        self._pool = pool
        self._executor = executor
        self._batch_size = max(1, concurrency // 2)  # PgQueuer wants at least two batches at a time
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Ends once stopped and drained; raises where the database is in trouble, and may be run again."""
        if self._stopping.is_set():
            return
        manager = QueueManager(Queries(AsyncpgPoolDriver(self._pool)))
        manager.shutdown = self._stopping
        manager.register_executor(ENTRYPOINT, self._executor)
        try:
            await manager.run(
                dequeue_timeout=DEQUEUE_TIMEOUT,
                batch_size=self._batch_size,
                max_concurrent_tasks=2 * self._batch_size,
                shutdown_on_listener_failure=True,
                heartbeat_timeout=HEARTBEAT_TIMEOUT,
            )
        except BaseException:
            self._stopping = asyncio.Event()  # the manager sets the one it had when its listener fails
            raise

    def stop(self) -> None:
        """Take no more jobs; what is running may finish."""
        self._stopping.set()

    def hand_on(self) -> int:
        """Put back what is still running, for any process to take up. How many jobs that were."""
        return self._executor.hand_on()

"""A worker as a process of its own, whose one job never ends: ``python -m tests.postgres.job_worker URL``."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

from adapters.jobs.job_executor import ProcessCallExecutor
from adapters.jobs.job_runner import POOL_SIZE, JobRunner
from adapters.postgres.pool import open_pool

HEARTBEAT_TIMEOUT = timedelta(seconds=1)


async def work_for_ever(call_id: str) -> float | None:
    print(call_id, flush=True)  # noqa: T201 # the test reads it
    await asyncio.Event().wait()
    return None


async def main(database_url: str) -> None:
    pool = await open_pool(database_url, largest=POOL_SIZE)
    await JobRunner(pool, ProcessCallExecutor(work_for_ever, 2), 2, HEARTBEAT_TIMEOUT).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

"""The guards that are off: a job counts as done when it has begun, and nobody looks for calls without one."""

from __future__ import annotations

import asyncio
import sys

from dependency_injector import providers
from pgqueuer.domain.models import Context, Job

from adapters.jobs.job_executor import ProcessCall, ProcessCallExecutor
from entrypoints.cli import main
from entrypoints.container import Container
from faults.quick_successors import take_up_quickly


class AcknowledgesJobsFirst(ProcessCallExecutor):
    """Whatever the job is about is lost with the process."""

    def __init__(self, process_call: ProcessCall, concurrency: int) -> None:
        super().__init__(process_call, concurrency)
        self._kept = set[asyncio.Task[None]]()

    async def execute(self, job: Job, context: Context) -> None:
        keeping = asyncio.create_task(self._keep_at((job.payload or b"").decode()))
        self._kept.add(keeping)
        keeping.add_done_callback(self._kept.discard)

    async def _keep_at(self, call_id: str) -> None:
        come_back_after = await self._work(call_id)
        while come_back_after is not None:
            await asyncio.sleep(come_back_after)
            come_back_after = await self._work(call_id)


async def reconcile_nothing() -> int:
    return 0


if __name__ == "__main__":
    real = Container.job_executor
    real.override(providers.Singleton(AcknowledgesJobsFirst, *real.args))
    Container.reconcile_jobs.override(providers.Object(reconcile_nothing))
    take_up_quickly()
    sys.exit(main(sys.argv[1:]))

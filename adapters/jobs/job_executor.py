"""The executor that cannot lose a job."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import structlog
from pgqueuer.core.executors import AbstractEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Context, Job

from application.errors import TryAgain

ProcessCall = Callable[[str], Awaitable[float | None]]
"""Works on a call; answers after how many seconds to come back, or None where nothing is left to do."""

AFTER_TROUBLE: Final = timedelta(seconds=5)
AFTER_A_FAULT: Final = timedelta(minutes=1)

log = logging.getLogger(__name__)


class ProcessCallExecutor(AbstractEntrypointExecutor):
    """Runs the use case for a job's call, ``concurrency`` of them at a time.

    PgQueuer deletes a job whose handler is cancelled, and one whose handler raises. So nothing but
    RetryRequested ever leaves here, until the use case says that nothing is left to do.
    """

    def __init__(self, process_call: ProcessCall, concurrency: int) -> None:
        super().__init__(
            EntrypointExecutorParameters(concurrency_limit=0, func=self._no_function, on_failure="hold")
        )
        self._process_call = process_call
        self._seats = asyncio.Semaphore(concurrency)
        self._running: set[asyncio.Task[float | None]] = set()

    async def execute(self, job: Job, context: Context) -> None:
        call_id = (job.payload or b"").decode()
        work = asyncio.create_task(self._work(call_id), name=f"process call {call_id}")
        self._running.add(work)
        try:
            come_back_after = await work
        except asyncio.CancelledError:
            if context.cancellation.cancel_called:
                raise
            raise RetryRequested(timedelta(0), "handed on") from None
        except TryAgain as trouble:
            raise RetryRequested(AFTER_TROUBLE, trouble.detail) from None
        except Exception as error:  # PgQueuer would drop the job
            log.exception("processing call %s broke", call_id)
            raise RetryRequested(AFTER_A_FAULT, type(error).__name__) from error
        finally:
            self._running.discard(work)
        if come_back_after is not None:
            raise RetryRequested(timedelta(seconds=come_back_after), "the next run is due later")

    async def _work(self, call_id: str) -> float | None:
        async with self._seats:
            with structlog.contextvars.bound_contextvars(call_id=call_id):
                return await self._process_call(call_id)

    def hand_on(self) -> int:
        """Stop what is running and put its jobs back for any process. How many there were."""
        for work in self._running:
            work.cancel()
        return len(self._running)

    async def _no_function(self, job: Job) -> None:
        """PgQueuer asks for a function beside the executor; it is never called."""
        raise AssertionError(job.id)

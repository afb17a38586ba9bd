"""A worker that is killed by a call's own processing: ``python -m tests.end_to_end.deadly_worker``.

It is Trunkline's worker but for the AI, and for beats by which a dead process's jobs are taken up sooner.
"""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import timedelta

from dependency_injector import providers

from adapters.jobs.job_runner import JobRunner
from application.process_call import ProcessCall
from domain.analysis import Analysis, Transcript
from entrypoints.logs import configure_logs
from entrypoints.service import Process, Role, database, opened
from entrypoints.settings import Settings, read_settings
from tests.fakes.ai import FakeAnalyst, FakeTranscriber

DEADLY_WORD = "deadly"
HEARTBEAT_TIMEOUT = timedelta(seconds=1)


class DeadlyAnalyst(FakeAnalyst):
    """The deadly call kills before its neighbours are done."""

    async def analyse(self, transcript: Transcript, idempotency_key: str) -> Analysis:
        if DEADLY_WORD in transcript.text:
            await asyncio.sleep(0.2)
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.sleep(0.5)
        return await super().analyse(transcript, idempotency_key)


async def work(settings: Settings, database_url: str) -> None:
    async with opened(settings, database_url) as container:
        container.process_call.override(
            providers.Factory(
                ProcessCall,
                container.units_of_work,
                container.reader,
                container.recordings,
                providers.Singleton(FakeTranscriber),
                providers.Singleton(DeadlyAnalyst),
                settings.ai_run_delays_seconds,
                container.metrics.provided.call_set_aside,
            )
        )
        container.job_runner.override(
            providers.Singleton(
                JobRunner,
                container.job_pool,
                container.job_executor,
                settings.ai_concurrency,
                HEARTBEAT_TIMEOUT,
            )
        )
        await Process(settings, Role(api=False, worker=True, migrate=False), container).run()


def main() -> None:
    settings = read_settings(os.environ)
    configure_logs()
    with database(settings) as url:
        asyncio.run(work(settings, url))


if __name__ == "__main__":
    main()

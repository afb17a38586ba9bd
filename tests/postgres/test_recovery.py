"""What befalls workers and their queue, and that every call is archived once nevertheless."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import attrs
import pytest

from adapters.jobs.job_queue import PgQueuerJobQueue
from adapters.jobs.job_runner import POOL_SIZE
from adapters.jobs.task_runner import TaskRunner
from adapters.postgres.call_reader import PostgresCallReader
from adapters.postgres.pool import open_pool
from adapters.postgres.unit_of_work import PostgresUnitsOfWork
from application.ports import Analyst
from application.reconcile_jobs import ReconcileJobs
from domain.analysis import Analysis, Transcript
from faults.database_way import DatabaseWay
from tests.fakes.ai import FakeAnalyst
from tests.postgres.processing import archived_by, completed_call, history_of, process_calls, runner_of
from tests.waiting import until, until_found

ROOT = Path(__file__).parents[2]
SILENCE_COUNTS_SECONDS = 0.2


@attrs.define(eq=False)
class HeldAnalyst:
    """Answers once it may; ``asked`` counts who asked."""

    may_answer: asyncio.Event = attrs.field(factory=asyncio.Event)
    asked: int = 0

    async def analyse(self, transcript: Transcript, idempotency_key: str) -> Analysis:
        self.asked += 1
        await self.may_answer.wait()
        return await FakeAnalyst().analyse(transcript, idempotency_key)


@pytest.fixture
async def job_pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await open_pool(database_url, largest=POOL_SIZE)
    try:
        yield pool
    finally:
        pool.terminate()


@asynccontextmanager
async def working(
    pool: asyncpg.Pool, job_pool: asyncpg.Pool, analyst: Analyst, reconcile_every_seconds: float = 60
) -> AsyncIterator[TaskRunner]:
    """A process's background work, begun again after any trouble as the service does."""
    tasks = TaskRunner()
    runner = runner_of(job_pool, process_calls(pool, analyst))
    tasks.keep_running("jobs", runner.run)
    reconcile = ReconcileJobs(PostgresUnitsOfWork(pool, PgQueuerJobQueue))
    tasks.repeat("reconcile jobs", reconcile_every_seconds, reconcile)
    try:
        yield tasks
    finally:
        runner.stop()
        await tasks.stop()


async def until_archived(pool: asyncpg.Pool, *call_ids: str) -> None:
    async def all_are() -> bool:
        return all([await archived_by(pool, call_id) for call_id in call_ids])

    await until_found(all_are)


async def test_a_worker_that_is_frozen_and_woken_saves_nothing_of_a_call_that_was_taken_over(
    database_url: str, pool: asyncpg.Pool, job_pool: asyncpg.Pool
) -> None:
    """SIGSTOP while the AI is asked; its late result comes when its successor has archived the call."""
    await completed_call(pool, "c-1")
    frozen = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.postgres.held_worker", database_url),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert frozen.stdin is not None
        assert frozen.stdout is not None
        assert await asyncio.wait_for(frozen.stdout.readline(), 20) == b"asked\n"
        frozen.send_signal(signal.SIGSTOP)
        async with working(pool, job_pool, FakeAnalyst()):
            await until_archived(pool, "c-1")
        before = await history_of(pool, "c-1")
        frozen.send_signal(signal.SIGCONT)
        frozen.stdin.write(b"answer\n")
        assert await asyncio.wait_for(frozen.stdout.readline(), 20) == b"ended\n"
    finally:
        with suppress(ProcessLookupError):
            frozen.kill()
        await frozen.communicate()
    assert await history_of(pool, "c-1") == before
    assert await archived_by(pool, "c-1") == [2]
    view = await PostgresCallReader(pool).find("c-1")
    assert view is not None
    assert view.call.analysis is not None
    assert view.call.analysis.summary == "They said: hello"


async def test_calls_whose_jobs_were_deleted_are_archived_once(
    pool: asyncpg.Pool, job_pool: asyncpg.Pool
) -> None:
    """One is being worked on meanwhile, and the other waits."""
    analyst = HeldAnalyst()
    await completed_call(pool, "working")
    async with working(pool, job_pool, analyst, reconcile_every_seconds=0.1):
        await until(lambda: analyst.asked == 1)
        await completed_call(pool, "waiting", settle_seconds=0.3)
        await pool.execute("TRUNCATE pgqueuer")
        await until(lambda: analyst.asked == 3)
        analyst.may_answer.set()
        await until_archived(pool, "working", "waiting")
    assert await archived_by(pool, "working") == [2]
    assert await archived_by(pool, "waiting") == [1]


async def test_a_call_is_archived_once_though_the_database_was_a_black_hole_when_the_ai_answered(
    database_url: str, pool: asyncpg.Pool, caplog: pytest.LogCaptureFixture
) -> None:
    analyst = HeldAnalyst()
    await completed_call(pool, "c-1")
    async with (
        DatabaseWay(database_url).running() as way,
        hasty_pool(way.url) as units_pool,
        hasty_pool(way.url) as job_pool,
        working(units_pool, job_pool, analyst),
    ):
        await until(lambda: analyst.asked == 1)
        way.go_dark()
        analyst.may_answer.set()
        await until(lambda: "call c-1 is saved again" in caplog.text)
        way.come_back()
        await until_archived(pool, "c-1")
    assert len(await archived_by(pool, "c-1")) == 1
    assert analyst.asked == 1, "what it had found was kept until it could be saved"


@asynccontextmanager
async def hasty_pool(url: str) -> AsyncIterator[asyncpg.Pool]:
    """Its statements are given up soon."""
    pool = await asyncpg.create_pool(
        url, min_size=1, max_size=POOL_SIZE, command_timeout=SILENCE_COUNTS_SECONDS, timeout=5
    )
    try:
        yield pool
    finally:
        pool.terminate()

"""Jobs on a real queue: none is lost, whatever happens to who runs them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import asyncpg
import attrs
import pytest

from adapters.jobs.job_executor import ProcessCallExecutor
from adapters.jobs.job_queue import PgQueuerJobQueue, forget_finished_jobs
from adapters.jobs.job_runner import POOL_SIZE, JobRunner, PoolDriver
from adapters.postgres.pool import open_pool
from adapters.postgres.unit_of_work import PostgresUnitsOfWork
from tests.postgres.job_worker import HEARTBEAT_TIMEOUT
from tests.waiting import until, until_found

ROOT = Path(__file__).parents[2]


@attrs.define(eq=False)
class Work:
    """What a runner's use case does: notes the call, waits where told to, and answers what it is told."""

    answer: float | Exception | None = None
    may_end: asyncio.Event = attrs.field(factory=asyncio.Event)
    begun: list[str] = attrs.field(factory=list)
    ended: list[str] = attrs.field(factory=list)

    async def __call__(self, call_id: str) -> float | None:
        self.begun.append(call_id)
        await self.may_end.wait()
        self.ended.append(call_id)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def work() -> Work:
    work = Work()
    work.may_end.set()
    return work


@pytest.fixture
async def job_pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await open_pool(database_url, largest=POOL_SIZE)
    try:
        yield pool
    finally:
        await pool.close()


async def test_a_probe_that_is_sent_before_anyone_listens_is_heard(job_pool: asyncpg.Pool) -> None:
    """PgQueuer sends one while it begins to listen, and gives up its jobs where it does not come back."""
    driver = PoolDriver(job_pool)
    heard = asyncio.Queue[str | bytes | bytearray]()
    async with driver:
        probing = asyncio.create_task(driver.notify("a_channel", "a probe"))
        await asyncio.wait({probing}, timeout=0.3)
        await driver.add_listener("a_channel", heard.put_nowait)
        async with asyncio.timeout(5):
            assert await heard.get() == "a probe"
            await probing


def runner_on(pool: asyncpg.Pool, work: Work) -> JobRunner:
    return JobRunner(pool, ProcessCallExecutor(work, 4), 4, HEARTBEAT_TIMEOUT)


@asynccontextmanager
async def running(runner: JobRunner) -> AsyncIterator[asyncio.Task[None]]:
    """Stopped at the end, which must come soon."""
    task = asyncio.create_task(runner.run())
    try:
        yield task
    finally:
        runner.stop()
        async with asyncio.timeout(10):
            await task


async def schedule(pool: asyncpg.Pool, *call_ids: str, in_seconds: float = 0) -> None:
    async with PostgresUnitsOfWork(pool, PgQueuerJobQueue)() as unit:
        for call_id in call_ids:
            await unit.jobs.schedule(call_id, in_seconds)
        await unit.commit()


async def jobs(pool: asyncpg.Pool) -> list[tuple[str, str, float]]:
    """Each job's call, status and seconds until it is due."""
    rows = await pool.fetch(
        "SELECT payload, status::text, extract(epoch FROM execute_after - now())::float8 AS due FROM pgqueuer"
    )
    return [(row["payload"].decode(), row["status"], row["due"]) for row in rows]


async def no_jobs(pool: asyncpg.Pool) -> bool:
    return not await jobs(pool)


async def waits(pool: asyncpg.Pool) -> bool:
    """Whether the only job is back in the queue."""
    return [status for _, status, _ in await jobs(pool)] == ["queued"]


async def test_a_job_runs_once_and_is_gone(pool: asyncpg.Pool, job_pool: asyncpg.Pool, work: Work) -> None:
    await schedule(pool, "c-1", "c-2")
    async with running(runner_on(job_pool, work)):
        await until_found(lambda: no_jobs(pool))
        await schedule(pool, "c-3")  # while it waits for work
        await until(lambda: "c-3" in work.ended)
        await until_found(lambda: no_jobs(pool))
    assert sorted(work.begun) == ["c-1", "c-2", "c-3"]


@pytest.mark.parametrize(
    ("answer", "seconds"), [(100.0, 100), (ZeroDivisionError(), 60)], ids=["come back later", "a fault"]
)
async def test_a_job_that_is_not_done_waits_for_its_next_time(
    pool: asyncpg.Pool, job_pool: asyncpg.Pool, work: Work, answer: float | Exception, seconds: float
) -> None:
    work.answer = answer
    await schedule(pool, "c-1")
    async with running(runner_on(job_pool, work)):
        await until(lambda: bool(work.ended))
        await until_found(lambda: waits(pool))
    ((call_id, _, due),) = await jobs(pool)
    assert call_id == "c-1"
    assert due == pytest.approx(seconds, abs=5)
    assert work.begun == ["c-1"]


async def test_a_job_that_comes_back_at_once_runs_again(
    pool: asyncpg.Pool, job_pool: asyncpg.Pool, work: Work
) -> None:
    work.answer = 0.0
    await schedule(pool, "c-1")
    async with running(runner_on(job_pool, work)):
        await until(lambda: len(work.ended) >= 2)
        work.answer = None
        await until_found(lambda: no_jobs(pool))


async def test_a_hastened_job_runs_now(pool: asyncpg.Pool, job_pool: asyncpg.Pool, work: Work) -> None:
    await schedule(pool, "c-1", in_seconds=3600)
    async with running(runner_on(job_pool, work)):
        async with PostgresUnitsOfWork(pool, PgQueuerJobQueue)() as unit:
            await unit.jobs.hasten("c-1")
            await unit.commit()
        await until(lambda: work.ended == ["c-1"])


async def test_a_stopped_runner_finishes_what_it_began_and_takes_no_more(
    pool: asyncpg.Pool, job_pool: asyncpg.Pool
) -> None:
    work = Work()
    await schedule(pool, "c-1")
    runner = runner_on(job_pool, work)
    async with running(runner) as run:
        await until(lambda: work.begun == ["c-1"])
        runner.stop()
        await schedule(pool, "c-2")
        done, _ = await asyncio.wait({run}, timeout=0.2)
        assert not done
        work.may_end.set()
    assert work.ended == ["c-1"]
    assert [call_id for call_id, _, _ in await jobs(pool)] == ["c-2"]
    await runner.run()  # ends at once
    assert work.begun == ["c-1"]


async def test_a_job_that_is_handed_on_is_taken_up_by_another_runner(
    pool: asyncpg.Pool, job_pool: asyncpg.Pool, work: Work
) -> None:
    stuck = Work()
    await schedule(pool, "c-1")
    runner = runner_on(job_pool, stuck)
    async with running(runner):
        await until(lambda: stuck.begun == ["c-1"])
        runner.stop()
        assert runner.hand_on() == 1
    assert stuck.ended == []
    ((call_id, status, due),) = await jobs(pool)
    assert (call_id, status) == ("c-1", "queued")
    assert due <= 0
    async with running(runner_on(job_pool, work)):
        await until_found(lambda: no_jobs(pool))
    assert work.ended == ["c-1"]


async def test_a_cancelled_runner_hands_its_jobs_on(pool: asyncpg.Pool, job_pool: asyncpg.Pool) -> None:
    """Cancelling does not wait for a job that may take for ever."""
    stuck = Work()
    await schedule(pool, "c-1")
    run = asyncio.create_task(runner_on(job_pool, stuck).run())
    await until(lambda: stuck.begun == ["c-1"])
    run.cancel()
    done, _ = await asyncio.wait({run}, timeout=5)
    assert done
    assert run.cancelled()
    assert await waits(pool)


async def test_the_job_of_a_killed_worker_is_picked_up(
    database_url: str, pool: asyncpg.Pool, job_pool: asyncpg.Pool, work: Work
) -> None:
    await schedule(pool, "c-1")
    worker = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.postgres.job_worker",
        database_url,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert worker.stdout is not None
        assert await asyncio.wait_for(worker.stdout.readline(), 20) == b"c-1\n"
        async with running(runner_on(job_pool, work)):
            await asyncio.sleep(1.5 * HEARTBEAT_TIMEOUT.total_seconds())  # it beats, and so keeps its job
            assert work.begun == []
            worker.kill()
            await until_found(lambda: no_jobs(pool))
    finally:
        with suppress(ProcessLookupError):
            worker.kill()
        await worker.communicate()
    assert work.ended == ["c-1"]


async def test_a_runner_survives_more_trouble_than_it_has_connections(
    pool: asyncpg.Pool, job_pool: asyncpg.Pool, work: Work
) -> None:
    """Each time it loses its listener with the queue, and gives that connection's place back."""
    runner = runner_on(job_pool, work)
    for number in range(POOL_SIZE):
        run = asyncio.create_task(runner.run())
        await schedule(pool, f"before-{number}")
        await until_ended(work, f"before-{number}")
        await pool.execute("ALTER TABLE pgqueuer RENAME TO away")
        await terminate_listeners(pool)
        await asyncio.wait({run}, timeout=20)
        assert run.exception() is not None
        await pool.execute("ALTER TABLE away RENAME TO pgqueuer")
    await schedule(pool, "after")
    async with running(runner):
        await until_ended(work, "after")


async def until_ended(work: Work, call_id: str) -> None:
    await until(lambda: call_id in work.ended)


async def terminate_listeners(pool: asyncpg.Pool) -> None:
    await pool.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND query ILIKE 'LISTEN%'"
    )


async def test_a_runner_that_was_stopped_in_trouble_does_not_begin_again(
    pool: asyncpg.Pool, job_pool: asyncpg.Pool
) -> None:
    stuck = Work()
    await schedule(pool, "c-1")
    runner = runner_on(job_pool, stuck)
    run = asyncio.create_task(runner.run())
    await until(lambda: stuck.begun == ["c-1"])
    runner.stop()
    await terminate_listeners(pool)
    runner.hand_on()
    await asyncio.wait({run}, timeout=15)
    assert run.done()
    async with asyncio.timeout(5):
        await runner.run()
    run.exception()  # that there may be one is not what this is about
    assert stuck.begun == ["c-1"]


async def test_finished_jobs_are_forgotten_after_a_day(
    pool: asyncpg.Pool, job_pool: asyncpg.Pool, work: Work
) -> None:
    await schedule(pool, "c-1")
    async with running(runner_on(job_pool, work)):
        await until_found(lambda: no_jobs(pool))
    await forget_finished_jobs(pool)
    kept = await pool.fetchval("SELECT count(*) FROM pgqueuer_log")
    assert kept > 0
    await pool.execute(
        "UPDATE pgqueuer_log SET created = created - $1::interval", timedelta(days=1, seconds=1)
    )
    await forget_finished_jobs(pool)
    assert await pool.fetchval("SELECT count(*) FROM pgqueuer_log") == 0

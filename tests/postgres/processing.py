"""Calls of text that await the AI, and the use case that works on them, on a real database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import asyncpg

from adapters.audio.recordings import PacketRecordings
from adapters.jobs.job_executor import ProcessCallExecutor
from adapters.jobs.job_queue import PgQueuerJobQueue
from adapters.jobs.job_runner import JobRunner
from adapters.postgres.call_reader import PostgresCallReader
from adapters.postgres.unit_of_work import PostgresUnitsOfWork
from application.complete_call import CompleteCall
from application.ports import Analyst
from application.process_call import ProcessCall
from application.receive_packets import ReceivePackets
from domain.packet import IncomingPacket
from tests.deliveries import alone
from tests.fakes.ai import FakeTranscriber

HEARTBEAT_TIMEOUT = timedelta(seconds=1)
CONCURRENCY = 4
MAX_PART_BYTES = 1_000_000


def process_calls(pool: asyncpg.Pool, analyst: Analyst) -> ProcessCall:
    reader = PostgresCallReader(pool)
    recordings = PacketRecordings(reader, MAX_PART_BYTES)
    units = PostgresUnitsOfWork(pool, PgQueuerJobQueue)
    return ProcessCall(units, reader, recordings, FakeTranscriber(), analyst, (1.0,), lambda: None)


def runner_of(job_pool: asyncpg.Pool, work: Callable[[str], Awaitable[float | None]]) -> JobRunner:
    return JobRunner(job_pool, ProcessCallExecutor(work, CONCURRENCY), CONCURRENCY, HEARTBEAT_TIMEOUT)


async def completed_call(pool: asyncpg.Pool, call_id: str, settle_seconds: float = 0) -> None:
    """Its first run is due after ``settle_seconds``, and its job is in the queue."""
    units = PostgresUnitsOfWork(pool, PgQueuerJobQueue)
    await ReceivePackets(units)([alone(IncomingPacket(call_id, "main", 1, 1.0, "hello"))])
    await CompleteCall(units, settle_seconds)(call_id, {})


async def history_of(pool: asyncpg.Pool, call_id: str) -> list[tuple[int, str, int | None]]:
    """Each event's version and name, and the run that it tells of."""
    rows = await pool.fetch(
        "SELECT version, event, (detail ->> 'run')::integer AS run FROM call_events"
        " WHERE call_id = $1 ORDER BY version",
        call_id,
    )
    return [(row["version"], row["event"], row["run"]) for row in rows]


async def archived_by(pool: asyncpg.Pool, call_id: str) -> list[int | None]:
    """The runs that archived the call."""
    return [run for _, event, run in await history_of(pool, call_id) if event == "call_archived"]

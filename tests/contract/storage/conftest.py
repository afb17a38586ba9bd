from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from adapters.jobs.job_queue import PgQueuerJobQueue
from adapters.postgres.call_changes import PostgresCallChanges
from adapters.postgres.call_reader import PostgresCallReader
from adapters.postgres.live_calls import PostgresLiveCalls
from adapters.postgres.packet_days import PostgresPacketDays
from adapters.postgres.pool import open_pool
from adapters.postgres.reprocess_batches import PostgresReprocessBatches
from adapters.postgres.unit_of_work import PostgresUnitsOfWork
from tests.contract.storage.arranged import InMemoryArrangement, PostgresArrangement, StorageArrangement
from tests.databases import Databases
from tests.fakes.call_changes import FakeCallChanges, FakeLiveCalls
from tests.fakes.packet_days import FakePacketDays
from tests.fakes.reprocess_batches import FakeReprocessBatches
from tests.fakes.storage import InMemoryStorage
from tests.fakes.storage_reader import FakeStorageReader
from tests.fakes.unit_of_work import FakeUnitsOfWork


@pytest.fixture(params=["fake", "postgres"])
async def storage(request: pytest.FixtureRequest) -> AsyncIterator[StorageArrangement]:
    """Both keepers of the promise, one after the other."""
    if request.param == "fake":
        yield in_memory()
        return
    databases: Databases = request.getfixturevalue("databases")
    async with databases.empty() as url, on_postgres(url) as arrangement:
        yield arrangement


@pytest.fixture(params=["fake", "postgres"])
async def storage_to_change(request: pytest.FixtureRequest) -> AsyncIterator[StorageArrangement]:
    """The same, for tests that make and drop days: in PostgreSQL these are tables."""
    if request.param == "fake":
        yield in_memory()
        return
    databases: Databases = request.getfixturevalue("databases")
    async with databases.to_change() as url, on_postgres(url) as arrangement:
        yield arrangement


def in_memory() -> InMemoryArrangement:
    memory = InMemoryStorage()
    return InMemoryArrangement(
        FakeUnitsOfWork(memory),
        FakeStorageReader(memory),
        FakePacketDays(memory),
        FakeCallChanges(memory),
        FakeLiveCalls(memory),
        FakeReprocessBatches(memory),
    )


@asynccontextmanager
async def on_postgres(url: str) -> AsyncIterator[PostgresArrangement]:
    pool = await open_pool(url, largest=10)
    try:
        yield PostgresArrangement(
            PostgresUnitsOfWork(pool, PgQueuerJobQueue),
            PostgresCallReader(pool),
            PostgresPacketDays(pool),
            PostgresCallChanges(pool),
            PostgresLiveCalls(pool),
            PostgresReprocessBatches(pool),
            pool,
        )
    finally:
        await pool.close()

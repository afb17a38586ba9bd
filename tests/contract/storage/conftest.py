from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from adapters.jobs.job_queue import PgQueuerJobQueue
from adapters.postgres.call_reader import PostgresCallReader
from adapters.postgres.pool import open_pool
from adapters.postgres.unit_of_work import PostgresUnitsOfWork
from tests.contract.storage.arranged import InMemoryArrangement, PostgresArrangement, StorageArrangement
from tests.databases import Databases
from tests.fakes.storage import InMemoryStorage
from tests.fakes.storage_reader import FakeStorageReader
from tests.fakes.unit_of_work import FakeUnitsOfWork


@pytest.fixture(params=["fake", "postgres"])
async def storage(request: pytest.FixtureRequest) -> AsyncIterator[StorageArrangement]:
    """Both keepers of the promise, one after the other."""
    if request.param == "fake":
        memory = InMemoryStorage()
        yield InMemoryArrangement(FakeUnitsOfWork(memory), FakeStorageReader(memory))
        return
    databases: Databases = request.getfixturevalue("databases")
    async with databases.empty() as url:
        pool = await open_pool(url, largest=10)
        try:
            yield PostgresArrangement(
                PostgresUnitsOfWork(pool, PgQueuerJobQueue), PostgresCallReader(pool), pool
            )
        finally:
            await pool.close()

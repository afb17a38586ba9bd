"""The PostgreSQL that tests share, and how hypothesis searches.

Hypothesis is quick by default; ``pytest --hypothesis-profile=thorough`` looks for longer.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from hypothesis import HealthCheck, settings

from adapters.postgres.pool import open_pool
from tests.databases import Databases, databases_on, embedded_test_server

# No deadline and no complaint about slowness: a busy machine is no fault. Chance stays chance on CI
# too; the printed blob is what makes a failure come back.
settings.register_profile(
    "fast",
    max_examples=150,
    stateful_step_count=30,
    deadline=None,
    derandomize=False,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "thorough", settings.get_profile("fast"), max_examples=5_000, stateful_step_count=80
)
settings.load_profile("fast")


@pytest.fixture(scope="session")
def database_server() -> Iterator[str]:
    """The URL of a server in which databases may be made: the one named, or an embedded one."""
    named = os.environ.get("TRUNKLINE_TEST_DATABASE_URL")
    if named:
        yield named
        return
    with embedded_test_server() as url:
        yield url


@pytest.fixture(scope="session")
def databases(database_server: str) -> Iterator[Databases]:
    with databases_on(database_server) as databases:
        yield databases


@pytest.fixture
async def database_url(databases: Databases) -> AsyncIterator[str]:
    """A migrated and empty database of the test's own."""
    async with databases.empty() as url:
        yield url


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    """Production's pool on a database of the test's own."""
    pool = await open_pool(database_url, largest=10)
    try:
        yield pool
    finally:
        await pool.close()

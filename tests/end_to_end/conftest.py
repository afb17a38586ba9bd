"""A database of the test's own, and the environment in which Trunkline finds it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.databases import Databases, server_folder


@pytest.fixture
def service_environment(database_url: str) -> dict[str, str]:
    return {"TRUNKLINE_DATABASE_URL": database_url, "TRUNKLINE_PORT": "0"}


@pytest.fixture
async def empty_database_url(databases: Databases) -> AsyncIterator[str]:
    async with databases.unmigrated() as url:
        yield url


@pytest.fixture
def data_folder() -> Iterator[Path]:
    """Where an embedded server may live."""
    with server_folder() as folder:
        yield folder

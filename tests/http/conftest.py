"""One running service for each module: its tests keep apart by their calls' ids."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from urllib.request import urlopen
from uuid import uuid4

import pytest

from tests.databases import Databases
from tests.http.database_rows import nothing_left
from tests.http.described_client import DescribedClient, described_client
from tests.http.description import Description
from tests.http.running_service import RunningService, running_service


@pytest.fixture(scope="module")
def service(databases: Databases) -> Iterator[RunningService]:
    """A busy machine makes a database slow, which must not pass for one that is away."""
    with running_service(databases, database_seconds=8) as service:
        yield service


@pytest.fixture(scope="module")
def description(service: RunningService) -> Description:
    with urlopen(f"{service.url}/openapi.json") as answer:  # noqa: S310 # it begins with http:
        return Description(json.load(answer))


@pytest.fixture
async def client(service: RunningService, description: Description) -> AsyncIterator[DescribedClient]:
    async with described_client(service.url, description) as client:
        yield client


@pytest.fixture
def nothing_stored(service: RunningService) -> Iterator[None]:
    """The test leaves not a row behind."""
    with nothing_left(service):
        yield


@pytest.fixture
def call_id() -> str:
    """Of a call that no other test knows."""
    return f"c-{uuid4().hex}"

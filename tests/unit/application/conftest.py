from __future__ import annotations

import asyncio

import pytest
from looptime import patch_event_loop

from tests.fakes.storage import InMemoryStorage
from tests.fakes.unit_of_work import FakeUnitsOfWork


@pytest.fixture
def storage() -> InMemoryStorage:
    return InMemoryStorage()


@pytest.fixture
def units(storage: InMemoryStorage) -> FakeUnitsOfWork:
    return FakeUnitsOfWork(storage)


@pytest.fixture
async def loop_time() -> None:
    """From here on the loop's time passes only where everybody waits, and 0 is long ago."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, asyncio.BaseEventLoop)
    patch_event_loop(loop, start=1_000)

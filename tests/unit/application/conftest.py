from __future__ import annotations

import pytest

from tests.fakes.storage import InMemoryStorage
from tests.fakes.unit_of_work import FakeUnitsOfWork


@pytest.fixture
def storage() -> InMemoryStorage:
    return InMemoryStorage()


@pytest.fixture
def units(storage: InMemoryStorage) -> FakeUnitsOfWork:
    return FakeUnitsOfWork(storage)

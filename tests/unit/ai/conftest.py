from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.unit.ai.asking import Asking, asking_a_scripted_provider


@pytest.fixture
async def asking() -> AsyncIterator[Asking]:
    async with asking_a_scripted_provider() as asking:
        yield asking

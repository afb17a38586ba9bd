"""What a process does with the calls whose turn it is."""

from __future__ import annotations

import asyncio

import pytest

from application.errors import BatchRefused, StorageUnavailable
from application.reprocess_call import ReprocessCall
from application.reprocess_many import ReprocessMany
from application.reprocess_ports import BatchProgress
from domain.call_state import CallState
from tests.contract.storage.test_reprocess_batches import failed
from tests.fakes.reprocess_batches import FakeReprocessBatches
from tests.fakes.storage import InMemoryStorage
from tests.fakes.storage_reader import FakeStorageReader
from tests.fakes.unit_of_work import FakeUnitsOfWork
from tests.waiting import until


@pytest.fixture
def storage() -> InMemoryStorage:
    return InMemoryStorage()


@pytest.fixture
def many(storage: InMemoryStorage) -> ReprocessMany:
    reprocess = ReprocessCall(FakeUnitsOfWork(storage))
    return ReprocessMany(FakeReprocessBatches(storage), reprocess, FakeStorageReader(storage))


async def test_what_fails_for_want_of_the_database_is_tried_again(
    storage: InMemoryStorage, many: ReprocessMany
) -> None:
    """Once its lease is over; and the others are not kept waiting."""
    storage.put(failed("a"))
    storage.put(failed("b"))
    batch_id, _ = await many.calls(["a", "b"], 100)
    storage.fail_next("commit", StorageUnavailable())
    await many.work()
    assert await many.progress(batch_id) == BatchProgress(2, 1, 0)
    assert storage.call("a").state is CallState.FAILED
    storage.clock.advance(29)
    await many.work()
    assert await many.progress(batch_id) == BatchProgress(2, 1, 0)
    storage.clock.advance(2)
    await many.work()
    assert await many.progress(batch_id) == BatchProgress(2, 2, 0)
    assert storage.call("a").state is CallState.PROCESSING_AI


async def test_a_call_that_cannot_be_worked_on_is_refused_and_holds_nobody_up(
    storage: InMemoryStorage, many: ReprocessMany, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever goes wrong with it: else it would come again for ever, and keep those after it waiting."""
    storage.put(failed("poison"))
    storage.put(failed("b"))
    batch_id, _ = await many.calls(["poison", "b"], 100)
    storage.fail_next("lock", BatchRefused())
    await many.work()
    assert await many.progress(batch_id) == BatchProgress(2, 1, 1)
    assert storage.call("b").state is CallState.PROCESSING_AI
    assert "call poison cannot be reprocessed" in caplog.text
    assert "BatchRefused" in caplog.text


async def test_a_batch_that_is_added_here_is_begun_at_once(
    storage: InMemoryStorage, many: ReprocessMany
) -> None:
    storage.put(failed("a"))
    working = asyncio.create_task(many.run_for_ever())
    await asyncio.sleep(0)
    await many.failed(None, 100)
    await until(lambda: storage.call("a").state is CallState.PROCESSING_AI, within_seconds=1)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)

"""Processes take turns at a batch by its row."""

from __future__ import annotations

import asyncio

import asyncpg

from adapters.postgres.reprocess_batches import DUE, PostgresReprocessBatches


async def test_whoever_finds_another_at_a_batch_takes_nothing_and_does_not_wait(pool: asyncpg.Pool) -> None:
    batches = PostgresReprocessBatches(pool)
    await batches.add(["a"], 100)
    async with pool.acquire() as other, other.transaction():
        assert await other.fetchrow(DUE) is not None
        async with asyncio.timeout(5):
            assert await batches.take(30) == []
    taken = await batches.take(30)
    assert taken is not None
    assert [item.call_id for item in taken] == ["a"]

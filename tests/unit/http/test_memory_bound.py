"""What all connections together may hold."""

from __future__ import annotations

import asyncio

from entrypoints.http.memory_bound import MemoryBound


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_who_finds_no_room_waits_for_it() -> None:
    memory = MemoryBound(10)
    await memory.take(6)
    await memory.take(4)
    waiting = asyncio.create_task(memory.take(5))
    await settle()
    assert (waiting.done(), memory.held_bytes) == (False, 10)
    memory.free(4)
    await settle()
    assert (waiting.done(), memory.held_bytes) == (False, 6)
    memory.free(1)
    await waiting
    assert memory.held_bytes == 10


async def test_nobody_who_comes_later_and_wants_less_is_served_before() -> None:
    memory = MemoryBound(10)
    await memory.take(6)
    order: list[int] = []

    async def take(byte_count: int) -> None:
        await memory.take(byte_count)
        order.append(byte_count)

    tasks = [asyncio.create_task(take(byte_count)) for byte_count in (8, 1, 2)]
    await settle()
    assert order == []
    memory.free(6)
    await settle()
    assert order == [8, 1]
    memory.free(8)
    await asyncio.gather(*tasks)
    assert order == [8, 1, 2]


async def test_what_is_larger_than_the_bound_is_taken_alone() -> None:
    memory = MemoryBound(10)
    await memory.take(1)
    large = asyncio.create_task(memory.take(100))
    await settle()
    assert not large.done()
    memory.free(1)
    await large
    assert memory.held_bytes == 100


async def test_who_stops_waiting_takes_nothing_and_blocks_nobody() -> None:
    memory = MemoryBound(10)
    await memory.take(10)
    gone = asyncio.create_task(memory.take(10))
    waiting = asyncio.create_task(memory.take(5))
    await settle()
    gone.cancel()
    memory.free(10)
    await waiting
    assert memory.held_bytes == 5

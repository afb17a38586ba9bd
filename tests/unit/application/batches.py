"""A group commit whose batches a test sees, holds and spoils."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from application.errors import BatchRefused
from application.group_commit import GroupCommit
from domain.errors import InvalidValue, TrunklineError


class Batches:
    """A use case that notes its batches, and waits at a gate where a test has closed it."""

    def __init__(self) -> None:
        self.seen: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.raises: BaseException | None = None
        self.poison: set[str] = set()

    @property
    def items(self) -> list[str]:
        return [item for batch in self.seen for item in batch]

    async def __call__(self, batch: Sequence[str]) -> list[str | TrunklineError]:
        self.seen.append(list(batch))
        await self.gate.wait()
        if self.raises is not None:
            raise self.raises
        if self.poison & set(batch):
            raise BatchRefused
        return [InvalidValue("data", "is bad") if item == "bad" else f"<{item}>" for item in batch]


def lane_of(key: str) -> int:
    """The number at its end, where it has one."""
    return int(key.rpartition("-")[2]) if "-" in key else zlib.crc32(key.encode())


def committing(
    batches: Batches,
    flushers: int = 1,
    capacity: int = 100,
    largest_batch: int = 50,
    lanes_per_commit: int | None = None,
    size_of: Callable[[str], int] = lambda item: 1,
    on_batch: Callable[[int], None] = lambda size: None,
) -> GroupCommit[str, str]:
    return GroupCommit(
        batches,
        flushers=flushers,
        lane_of=lane_of,
        lanes_per_commit=lanes_per_commit,
        capacity=capacity,
        largest_batch=largest_batch,
        size_of=size_of,
        on_batch=on_batch,
    )


@asynccontextmanager
async def flushing(group: GroupCommit[str, str]) -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks = [asyncio.create_task(group.flush_for_ever(number)) for number in range(group.flushers)]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def submit(group: GroupCommit[str, str], *items: str, key: str = "call") -> list[asyncio.Task[str]]:
    return [asyncio.create_task(group.submit(key, item)) for item in items]


async def settle() -> None:
    """Let everything that can go on go on."""
    for _ in range(10):
        await asyncio.sleep(0)

"""What waits to share a transaction, by lane."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class LaneQueue(Generic[Item]):
    """Lanes take turns, so that a busy one keeps none waiting; within a lane order is kept."""

    def __init__(self, lanes_per_batch: int | None, largest_batch: int) -> None:
        """``largest_batch`` bounds the sum of a batch's sizes, but for a lone item that exceeds it."""
        self._lanes_per_batch = lanes_per_batch
        self._largest_batch = largest_batch
        self._waiting: dict[int, deque[tuple[Item, int]]] = {}  # the lanes in the order of their turns

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def put(self, lane: int, item: Item, size: int) -> None:
        waiting = self._waiting.get(lane)
        if waiting is None:
            self._waiting[lane] = waiting = deque()
        waiting.append((item, size))

    def next_batch(self) -> list[Item]:
        """Take out what comes next; empty only where nothing waits."""
        batch: list[Item] = []
        room = self._largest_batch
        for lane in list(self._waiting)[: self._lanes_per_batch]:
            waiting = self._waiting[lane]
            before = len(batch)
            while waiting and (waiting[0][1] <= room or not batch):
                item, size = waiting.popleft()
                batch.append(item)
                room -= size
            if len(batch) > before:
                del self._waiting[lane]
            if waiting:
                self._waiting.setdefault(lane, waiting)  # behind all others, where it had its turn
                break
        return batch

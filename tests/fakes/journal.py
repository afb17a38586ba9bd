"""A journal in memory: what is appended is as safe as the process."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from itertools import count
from math import inf

import attrs

from application.commands import Command
from application.errors import SpoolUnavailable
from application.ports import JournalEntry, JournalSize


@attrs.define(eq=False)
class FakeJournal:
    """Implements Journal. Appending waits at ``gate`` where a test has closed it; entries are a byte each."""

    most_entries: int = 1_000
    most_at_once: int = 500
    entries: list[JournalEntry] = attrs.field(factory=list)
    left_by_others: list[Command] = attrs.field(factory=list)
    others_oldest_at: float | None = None
    gate: asyncio.Event = attrs.field(factory=asyncio.Event)
    troubles: deque[SpoolUnavailable] = attrs.field(factory=deque)
    """Of the next appends."""
    _under_way: int = attrs.field(default=0, init=False)
    _numbers: count[int] = attrs.field(factory=count, init=False)

    def __attrs_post_init__(self) -> None:
        self.gate.set()

    @property
    def commands(self) -> list[Command]:
        return [entry.command for entry in self.entries]

    @property
    def size(self) -> JournalSize:
        held = len(self.entries)
        return JournalSize(held + self._under_way, held, 0.0 if held else None)

    async def append(self, commands: Sequence[Command]) -> None:
        self._under_way += len(commands)
        try:
            await self.gate.wait()
            if self.troubles:
                raise self.troubles.popleft()
            if len(self.entries) + len(commands) > self.most_entries:
                raise SpoolUnavailable("full")
            self.entries += self._made(commands)
        finally:
            self._under_way -= len(commands)

    async def oldest(self) -> Sequence[JournalEntry]:
        await asyncio.sleep(0)
        return self.entries[: self.most_at_once]

    async def remove(self, entries: Sequence[JournalEntry]) -> None:
        await asyncio.sleep(0)
        assert self.entries[: len(entries)] == list(entries)
        del self.entries[: len(entries)]

    async def adopt(self) -> None:
        self.entries[:0] = self._made(self.left_by_others)
        self.left_by_others.clear()

    def others_hold(self, before: float = inf) -> bool:
        return self.others_oldest_at is not None and self.others_oldest_at < before

    def _made(self, commands: Sequence[Command]) -> list[JournalEntry]:
        numbers = [next(self._numbers) for _ in commands]
        return [
            JournalEntry(f"fake-{number}", float(number), command)
            for number, command in zip(numbers, commands, strict=True)
        ]

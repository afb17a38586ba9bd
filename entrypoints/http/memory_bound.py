"""What all connections together may hold in memory."""

from __future__ import annotations

import asyncio

import attrs


@attrs.define(eq=False)
class MemoryBound:
    """Who finds no room waits for it, and nobody who comes later is served before."""

    most_bytes: int
    held_bytes: int = attrs.field(default=0, init=False)
    _turn: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)
    _freed: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    def take_at_once(self, byte_count: int) -> bool:
        """Whether that was possible, as it nearly always is."""
        if self._turn.locked() or not self._has_room(byte_count):
            return False
        self.held_bytes += byte_count
        return True

    async def take(self, byte_count: int) -> None:
        """What is larger than the bound is taken where nothing else is held."""
        async with self._turn:
            while not self._has_room(byte_count):
                self._freed.clear()
                await self._freed.wait()
            self.held_bytes += byte_count

    def _has_room(self, byte_count: int) -> bool:
        return not self.held_bytes or self.held_bytes + byte_count <= self.most_bytes

    def free(self, byte_count: int) -> None:
        self.held_bytes -= byte_count
        self._freed.set()

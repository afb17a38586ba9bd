"""Eight writers at several processes, each with packets for the same two calls, in opposite orders."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Final

import aiohttp
import attrs

from adapters.postgres.lanes import lane_of
from entrypoints.container import FLUSHERS
from faults.call_plan import Body
from faults.history import HistoryWriter
from faults.sender import Sender

WRITERS: Final = 8
PACKETS: Final = 20
"""Of each writer for each of the two calls."""


@attrs.define(eq=False)
class EightWriters:
    """Writers take the ``urls`` in turn. Every two calls are completed, and the next two begun.

    A writer sends what it has for both calls at once, so that a process has both in one transaction where
    one is under way already. Neither call is announced: several processes start it at the same time.
    """

    urls: Sequence[str]
    history: HistoryWriter
    seed: int
    _is_over: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    def stop(self) -> None:
        """No two calls begin any more."""
        self._is_over.set()

    async def run(self) -> None:
        """Until the last two are completed."""
        call_ids = _call_ids(self.seed)
        while not self._is_over.is_set():
            await self._write((next(call_ids), next(call_ids)))

    async def _write(self, two: tuple[str, str]) -> None:
        async with asyncio.TaskGroup() as writers:
            for number in range(WRITERS):
                url = self.urls[number % len(self.urls)]
                in_order = number // len(self.urls) % 2 == 0
                writers.create_task(self._send_all(url, f"writer-{number}", two if in_order else two[::-1]))
        async with aiohttp.ClientSession() as session:
            sender = Sender(self.urls[0], self.history, session, random.Random(self.seed))
            for call_id in two:
                await sender.until_told("complete", call_id, {})

    async def _send_all(self, url: str, stream: str, call_ids: tuple[str, str]) -> None:
        dice = random.Random(f"{self.seed} {stream} {call_ids}")
        async with aiohttp.ClientSession() as session:
            sender = Sender(url, self.history, session, dice)
            for sequence in range(1, PACKETS + 1):
                bodies = [_packet(dice, stream, sequence) for _ in call_ids]
                both = zip(call_ids, bodies, strict=True)
                await asyncio.gather(*(sender.until_told("packet", call_id, body) for call_id, body in both))


def _call_ids(seed: int) -> Iterator[str]:
    """Of lanes that one flusher has, or no two of them would share a transaction."""
    named = (f"call-{seed}-{number}" for number in itertools.count())
    return (call_id for call_id in named if lane_of(call_id) % FLUSHERS == 0)


def _packet(dice: random.Random, stream: str, sequence: int) -> Body:
    data = f"piece {dice.randrange(2**48):012x} of {stream} {sequence}. "
    return {"stream": stream, "sequence": sequence, "timestamp": float(sequence), "data": data}

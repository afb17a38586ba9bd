"""Turns concurrent single requests into batches that share a transaction."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import attrs

from application.errors import BatchRefused, Draining, OutcomeUnknown, Overloaded
from application.lane_queue import LaneQueue
from domain.errors import TrunklineError

Command = TypeVar("Command")
Answer = TypeVar("Answer")

Process = Callable[[Sequence[Command]], Awaitable[Sequence[Answer | TrunklineError]]]


@attrs.frozen(eq=False)
class _Waiting(Generic[Command, Answer]):
    command: Command
    size: int
    answer: asyncio.Future[Answer]


class GroupCommit(Generic[Command, Answer]):
    """Requests that arrive while a flush is in flight form the next batch.

    No timer: a lone request is flushed at once, and batches grow with the load. Commands of one lane
    always go to the same flusher, so that flushers do not wait for each other's rows.
    """

    def __init__(
        self,
        process: Process[Command, Answer],
        *,
        flushers: int,
        lane_of: Callable[[str], int],
        lanes_per_commit: int | None,
        capacity: int,
        largest_batch: int,
        size_of: Callable[[Command], int],
        on_batch: Callable[[int], None],
    ) -> None:
        """``capacity`` bounds what waits and ``largest_batch`` what shares a transaction, by ``size_of``.

        A command is taken whole as long as there is any room. ``on_batch`` is told each batch's size.
        A transaction spans at most ``lanes_per_commit`` of the lanes that ``lane_of`` makes of keys, or
        any number of them.
        """
        self._process = process
        self._lane_of = lane_of
        self._size_of = size_of
        self._capacity = capacity
        self._patient_capacity = max(1, capacity // 2)
        self._on_batch = on_batch
        self._waiting = [
            LaneQueue[_Waiting[Command, Answer]](lanes_per_commit, largest_batch) for _ in range(flushers)
        ]
        self._filled = [asyncio.Event() for _ in range(flushers)]
        self._size = 0
        self._patient: deque[asyncio.Future[None]] = deque()
        """Those who wait for room, in the order in which they came."""
        self._idle = asyncio.Event()
        self._idle.set()
        self._draining = False

    @property
    def flushers(self) -> int:
        return len(self._waiting)

    async def submit(self, key: str, command: Command) -> Answer:
        """The answer to one command, once its batch is durable.

        Raises what refused the command; Overloaded and Draining before any work is done.
        """
        self.refuse_when_full()
        return await self._put(key, command)

    def refuse_when_full(self) -> None:
        """Raises Overloaded where nothing could be taken now: to be asked before a body is worked on."""
        if self._size >= self._capacity and not self._draining:
            raise Overloaded

    async def submit_when_there_is_room(self, key: str, command: Command) -> Answer:
        """The same for who can wait: it is not Overloaded, it takes longer.

        Half of the room is left to those who cannot, or they would find it taken every time.
        """
        if self._patient or not self._has_room_for_patient:
            await self._patiently()
        answer = self._put(key, command)
        self._let_in_next()
        return await answer

    @property
    def _has_room_for_patient(self) -> bool:
        return self._size < self._patient_capacity

    async def _patiently(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._patient.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it was this one's turn
                self._let_in_next()
            raise

    def _let_in_next(self) -> None:
        """One at a time, or all would be woken for the room of one."""
        while self._patient and self._has_room_for_patient:
            turn = self._patient.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def _put(self, key: str, command: Command) -> asyncio.Future[Answer]:
        if self._draining:
            raise Draining
        lane = self._lane_of(key)
        flusher = lane % self.flushers
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(command, self._size_of(command), answer)
        self._size += waiting.size
        self._idle.clear()
        self._waiting[flusher].put(lane, waiting, waiting.size)
        self._filled[flusher].set()
        return answer

    async def flush_for_ever(self, flusher: int) -> None:
        """One flusher's work. To be run by the task runner, once for each of the flushers."""
        waiting, filled = self._waiting[flusher], self._filled[flusher]
        while True:
            await filled.wait()
            batch = waiting.next_batch()
            if not waiting:
                filled.clear()
            try:
                await self._flush(batch)
            finally:
                self._let_go(batch)

    async def drain(self) -> None:
        """Take no more, and return when everything taken is answered."""
        self._draining = True
        for turn in self._patient:
            if not turn.done():
                turn.set_result(None)
        await self._idle.wait()

    async def _flush(self, batch: Sequence[_Waiting[Command, Answer]]) -> None:
        try:
            outcomes = await self._process([waiting.command for waiting in batch])
        except BatchRefused as refusal:
            await self._flush_halves(batch, refusal)
        except Exception as error:  # whoever waits must hear of it, whatever it is
            for waiting in batch:
                _refuse(waiting, error)
        else:
            self._on_batch(_size(batch))
            for waiting, outcome in zip(batch, outcomes, strict=True):
                _answer(waiting, outcome)

    async def _flush_halves(self, batch: Sequence[_Waiting[Command, Answer]], refusal: BatchRefused) -> None:
        """Find the one that the database refuses; its neighbours go through."""
        if len(batch) == 1:
            _refuse(batch[0], refusal)
            return
        middle = len(batch) // 2
        await self._flush(batch[:middle])
        await self._flush(batch[middle:])

    def _let_go(self, batch: Sequence[_Waiting[Command, Answer]]) -> None:
        for waiting in batch:
            _refuse(waiting, OutcomeUnknown())  # does nothing to an answered one
        self._size -= _size(batch)
        self._let_in_next()
        if self._size == 0:
            self._idle.set()


def _answer(waiting: _Waiting[Command, Answer], outcome: Answer | TrunklineError) -> None:
    if isinstance(outcome, TrunklineError):
        _refuse(waiting, outcome)
    elif not waiting.answer.done():
        waiting.answer.set_result(outcome)


def _refuse(waiting: _Waiting[Command, Answer], error: Exception) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(error)


def _size(batch: Sequence[_Waiting[Command, Answer]]) -> int:
    return sum(waiting.size for waiting in batch)

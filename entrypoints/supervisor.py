"""Several processes on one port: begins them, replaces those that die, and stops them together."""

from __future__ import annotations

import asyncio
import signal
import socket
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final

import attrs
import structlog

from entrypoints.membership import HURRY, LISTENING, STOP, Membership

FIRST_BACK_OFF_SECONDS: Final = 0.5
LONGEST_BACK_OFF_SECONDS: Final = 10.0

log = structlog.get_logger("trunkline.supervisor")


@attrs.frozen
class _Living:
    process: Process
    tie: asyncio.StreamWriter


@attrs.frozen
class _End:
    """How a process ended: its exit status, below zero for a signal's number."""

    status: int
    had_listened: bool
    lasted_seconds: float

    @property
    def was_refused(self) -> bool:
        """It found that it cannot start, and has said why."""
        return self.status > 0 and not self.had_listened


class Supervisor:
    """Does no work of its own, so that it has nothing to die of.

    Until every process has listened once, one that cannot start ends all: a mistake in the settings shall
    not look like success. Later such a one is tried again as long as another serves, for what keeps it
    from starting, like a database that is away, is what the others live through.
    """

    def __init__(
        self,
        command: Callable[[Membership], Sequence[str]],
        *,
        processes: int,
        environment: Mapping[str, str],
        patience_seconds: float,
    ) -> None:
        """``command`` starts a process. Those that live ``patience_seconds`` after they were told to stop are
        killed."""
        self._command = command
        self._processes = processes
        self._environment = environment
        self._patience_seconds = patience_seconds
        self._living: dict[int, _Living] = {}
        self._listening: set[int] = set()
        self._have_listened: set[int] = set()
        self._one_listens_or_all_end = asyncio.Event()
        self._ending = asyncio.Event()
        self._failed = False

    async def run(self) -> int:
        """Until SIGTERM or SIGINT: 0 where all then ended well, else 1."""
        loop = asyncio.get_running_loop()
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_number, self.stop)
        async with asyncio.TaskGroup() as keepers:
            keepers.create_task(self._keep(1))
            # What keeps one process from starting keeps all, and should be said once.
            await self._one_listens_or_all_end.wait()
            for number in range(2, self._processes + 1):
                keepers.create_task(self._keep(number))
            await self._ending.wait()
            killing = loop.call_later(self._patience_seconds, self._kill)
        killing.cancel()
        return int(self._failed)

    def stop(self) -> None:
        """Begin no more, and tell those that live to end; a second time, to hurry."""
        word = HURRY if self._ending.is_set() else STOP
        self._ending.set()
        self._one_listens_or_all_end.set()
        for number in self._living:
            self._tell(number, word)

    def _tell(self, number: int, word: bytes) -> None:
        living = self._living[number]
        if number in self._listening:
            living.tie.write(word)
        else:  # it does not hear words yet
            with suppress(ProcessLookupError):
                living.process.terminate()

    def _kill(self) -> None:
        self._failed = True
        log.error("processes_killed", pids=[living.process.pid for living in self._living.values()])
        for living in self._living.values():
            with suppress(ProcessLookupError):
                living.process.kill()

    async def _keep(self, number: int) -> None:
        """Have one process with this number live, one after another."""
        back_off_seconds = FIRST_BACK_OFF_SECONDS
        while not self._ending.is_set():
            end = await self._run_one(number)
            if self._ending.is_set():
                self._failed |= not _ended_well(end)
                return
            if end.was_refused and not self._is_worth_trying_again:
                self._failed = True
                self.stop()
                return
            if end.lasted_seconds > LONGEST_BACK_OFF_SECONDS:
                back_off_seconds = FIRST_BACK_OFF_SECONDS
            log.warning("process_ended", number=number, status=end.status, again_in_seconds=back_off_seconds)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), back_off_seconds)
            back_off_seconds = min(2 * back_off_seconds, LONGEST_BACK_OFF_SECONDS)

    @property
    def _is_worth_trying_again(self) -> bool:
        return len(self._have_listened) == self._processes and bool(self._listening)

    async def _run_one(self, number: int) -> _End:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            process, reader, tie = await self._begin(number)
        except OSError as error:
            log.error("process_not_begun", error=error.strerror)  # noqa: TRY400 # that says all
            return _End(1, had_listened=False, lasted_seconds=0)
        self._living[number] = _Living(process, tie)
        if self._ending.is_set():
            self._tell(number, STOP)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await reader.readexactly(len(LISTENING))
                self._listens(number)
            status = await process.wait()
            return _End(status, number in self._listening, loop.time() - began)
        finally:
            tie.close()
            del self._living[number]
            self._listening.discard(number)

    async def _begin(self, number: int) -> tuple[Process, asyncio.StreamReader, asyncio.StreamWriter]:
        ours, theirs = socket.socketpair()
        reader, tie = await asyncio.open_unix_connection(sock=ours)
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command(Membership(number, theirs.fileno())),
                env=self._environment,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # Ctrl-C is the supervisor's to pass on
            )
        except OSError:
            tie.close()
            raise
        finally:
            theirs.close()
        return process, reader, tie

    def _listens(self, number: int) -> None:
        self._listening.add(number)
        self._one_listens_or_all_end.set()
        if number not in self._have_listened:
            self._have_listened.add(number)
            if len(self._have_listened) == self._processes:
                log.info("all_processes_listen", processes=self._processes)


def _ended_well(end: _End) -> bool:
    """One that had hardly begun does not know yet how to end otherwise than by the signal."""
    return end.status == 0 or (end.status == -signal.SIGTERM and not end.had_listened)

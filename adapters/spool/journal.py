"""The journal of one process, and those that it has taken over from processes that have ended."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from math import inf
from pathlib import Path
from typing import Final, TypeVar

import attrs
import structlog

from adapters.spool.entries import from_bytes, to_bytes
from adapters.spool.journal_file import HELD, JournalFile, lock_beside
from application.commands import Command
from application.errors import SpoolUnavailable
from application.ports import JournalEntry, JournalSize

T = TypeVar("T")

_CLOCK_SECONDS: Final = 0.000_01
"""More than the time of a file may be off, so that no two entries are each older than the other."""

log = structlog.get_logger("trunkline.spool")


@attrs.frozen(eq=False)
class _Turn:
    """What waits to be written."""

    commands: list[bytes]
    byte_count: int
    written: asyncio.Future[None]


class SqliteJournal:
    """Implements Journal, in a thread of its own. What waits while it writes shares the next transaction."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        """``folder`` holds a folder for each database. ``most_bytes`` bounds what this process puts in."""
        self._folder = folder
        self._most_bytes = most_bytes
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._files: list[JournalFile] = []
        """Those taken over first, and at the end the process's own."""
        self._durable = JournalSize()
        self._waiting: list[_Turn] = []
        self._under_way = 0
        self._writing: asyncio.Task[None] | None = None

    async def open(self, database: str) -> None:
        """``database`` names the one that this is for: what is spooled for another is never taken over.

        Raises OSError, or sqlite3.Error, where the folder cannot be written.
        """
        self._folder /= database
        await self._in_thread(self._open)

    async def close(self) -> None:
        """What it holds stays for the next start."""
        if self._writing is not None:
            await asyncio.wait({self._writing})
        await self._in_thread(self._close)
        self._thread.shutdown()

    @property
    def size(self) -> JournalSize:
        return attrs.evolve(self._durable, entries=self._durable.entries + self._under_way)

    async def append(self, commands: Sequence[Command]) -> None:
        encoded = [to_bytes(command) for command in commands]
        turn = _Turn(encoded, sum(map(len, encoded)), asyncio.get_running_loop().create_future())
        self._waiting.append(turn)
        self._under_way += len(encoded)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await turn.written

    async def oldest(self) -> Sequence[JournalEntry]:
        return await self._asked(self._oldest)

    async def remove(self, entries: Sequence[JournalEntry]) -> None:
        await self._asked(lambda: self._remove(entries))

    async def adopt(self) -> None:
        await self._asked(self._adopt)

    def others_hold(self, before: float = inf) -> bool:
        own = {file.path.stem for file in self._files}
        with os.scandir(self._folder) as found:
            return any(
                entry.name.endswith(HELD)
                and entry.name.removesuffix(HELD) not in own
                and _is_older(entry, before)
                for entry in found
            )

    # -- writing -----------------------------------------------------------------------------------

    async def _write(self) -> None:
        while self._waiting:
            turns, self._waiting = self._waiting, []
            error: Exception | None = None
            try:
                await self._asked(lambda turns=turns: self._append(turns))  # type: ignore[misc] # bound now
            except Exception as trouble:  # whoever waits must hear of it, whatever it is
                error = trouble
            for turn in turns:
                self._under_way -= len(turn.commands)
                _answer(turn.written, error)

    def _append(self, turns: Sequence[_Turn]) -> None:
        own = self._files[-1]
        if own.size.byte_count + sum(turn.byte_count for turn in turns) > self._most_bytes:
            raise SpoolUnavailable("the database does not answer, and the spool is full")
        own.append([command for turn in turns for command in turn.commands])

    # -- in the thread -------------------------------------------------------------------------------

    async def _asked(self, work: Callable[[], T]) -> T:
        """Raises SpoolUnavailable. What is durable is counted again after each."""
        try:
            answer, self._durable = await self._in_thread(lambda: (work(), self._size()))
        except (sqlite3.Error, OSError) as error:
            log.warning("spool_trouble", error=str(error))
            raise SpoolUnavailable from error
        return answer

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _size(self) -> JournalSize:
        sizes = [file.size for file in self._files]
        return JournalSize(
            sum(size.entries for size in sizes),
            sum(size.byte_count for size in sizes),
            min((size.oldest_at for size in sizes if size.oldest_at is not None), default=None),
        )

    def _oldest(self) -> list[JournalEntry]:
        """Of one file, and no further than where another's begins."""
        beginnings = sorted(
            ((at, file) for file in self._files if (at := file.size.oldest_at) is not None),
            key=lambda beginning: beginning[0],
        )
        if not beginnings:
            return []
        file = beginnings[0][1]
        through = beginnings[1][0] if len(beginnings) > 1 else inf
        return [
            JournalEntry(f"{file.journal_id}-{entry.number}", entry.at, from_bytes(entry.command))
            for entry in file.oldest(through)
        ]

    def _remove(self, entries: Sequence[JournalEntry]) -> None:
        journal_id, _, number = entries[-1].entry_id.rpartition("-")
        (file,) = (file for file in self._files if file.journal_id == journal_id)
        file.remove(int(number))
        if file is not self._files[-1] and not file.size.entries:
            self._files.remove(file)
            file.close()

    def _open(self) -> None:
        """The lowest number that is free: that of a process that has ended, and what it left."""
        _make_durably(self._folder)
        for number in count(1):
            path = self._folder / f"{number}.sqlite3"
            lock = lock_beside(path)
            if lock is not None:
                self._files = [JournalFile(path, lock)]
                self._durable = self._size()
                return

    def _adopt(self) -> None:
        own = {file.path for file in self._files}
        for file in self._files:
            if not file.tidy():
                log.warning("spool_has_no_room_to_forget", path=str(file.path))
        for path in sorted(set(self._folder.glob("*.sqlite3")) - own):
            lock = lock_beside(path)
            if lock is None:
                continue
            try:
                left = JournalFile(path, lock)
            except (sqlite3.Error, OSError) as error:  # it stays where it is, and nobody is kept from theirs
                log.error("spool_unreadable", path=str(path), error=str(error))  # noqa: TRY400 # says all
                if type(error) is sqlite3.DatabaseError:  # for good: nobody need wait for it
                    path.with_suffix(HELD).unlink(missing_ok=True)
                continue
            if left.size.entries:
                log.info("spool_adopted", path=str(path), entries=left.size.entries)
                self._files.insert(0, left)
            else:
                left.close()

    def _close(self) -> None:
        for file in self._files:
            file.close()
        self._files.clear()
        with suppress(OSError):  # others have theirs in it
            self._folder.rmdir()


def _answer(written: asyncio.Future[None], error: Exception | None) -> None:
    if written.done():  # whoever waited has gone
        return
    if error is None:
        written.set_result(None)
    else:
        written.set_exception(error)


def _is_older(marker: os.DirEntry[str], before: float) -> bool:
    try:
        return marker.stat().st_mtime < before - _CLOCK_SECONDS
    except FileNotFoundError:  # it has just gone
        return False


def _make_durably(folder: Path) -> None:
    """A folder that a power cut takes away would take the journal with it."""
    if folder.is_dir():
        return
    _make_durably(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    above = os.open(folder.parent, os.O_RDONLY)
    try:
        os.fsync(above)
    finally:
        os.close(above)

"""One journal on disk: SQLite in WAL mode, each transaction synced before it counts.

A lock beside it says which process it belongs to. The kernel lets go of it when that process ends, whatever
ended it. All of this blocks, and is for one thread.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
import uuid
from collections.abc import Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Final

import attrs

from application.ports import JournalSize

MOST_ENTRIES_AT_ONCE: Final = 500
MOST_BYTES_AT_ONCE: Final = 256 * 1024
"""A thousand packets of telephony, about."""

HELD: Final = ".held"
"""Of the name of a file that is there while a journal holds something."""

_SCHEMA: Final = """
    PRAGMA auto_vacuum = INCREMENTAL;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS journal (id TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS entries (
        number INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, command BLOB NOT NULL
    );
"""


@attrs.frozen
class Written:
    """An entry as it lies in the file."""

    number: int
    at: float
    command: bytes


def lock_beside(path: Path) -> int | None:
    """A file descriptor that holds the lock of the journal at ``path``. None where another has it."""
    lock = path.with_suffix(".lock")
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.stat(lock).st_ino == os.fstat(descriptor).st_ino:
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        except FileNotFoundError:  # whoever had it has just removed it
            pass
        os.close(descriptor)


class JournalFile:
    """``journal_id`` is the file's own, for as long as it lives."""

    def __init__(self, path: Path, lock: int) -> None:
        """``lock`` is of :func:`lock_beside`. Raises sqlite3.Error."""
        self.path = path
        self._marker = path.with_suffix(HELD)
        self._lock = lock
        with ExitStack() as failed:
            failed.callback(os.close, lock)
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            failed.callback(self._connection.close)
            self._connection.executescript(_SCHEMA)
            self.journal_id = self._named()
            self._entries, self._byte_count = self._connection.execute(
                "SELECT count(*), coalesce(sum(length(command)), 0) FROM entries"
            ).fetchone()
            self._done = 0
            self._is_untidy = False
            self._mark()
            failed.pop_all()

    def _named(self) -> str:
        found = self._connection.execute("SELECT id FROM journal").fetchone()
        if found is None:
            self._connection.execute("INSERT INTO journal VALUES (?)", [uuid.uuid4().hex])
            return self._named()
        return str(found[0])

    @property
    def size(self) -> JournalSize:
        statement = "SELECT at FROM entries WHERE number > ? ORDER BY number LIMIT 1"
        oldest = self._connection.execute(statement, [self._done]).fetchone()
        return JournalSize(self._entries, self._byte_count, oldest[0] if oldest else None)

    def append(self, commands: Sequence[bytes]) -> None:
        """In one transaction. Raises sqlite3.Error."""
        at = time.time()
        if not self._entries:
            self._mark(at)
        try:
            self._change("INSERT INTO entries (at, command) VALUES (?, ?)", [(at, each) for each in commands])
        except sqlite3.Error:
            self._mark()
            raise
        self._entries += len(commands)
        self._byte_count += sum(map(len, commands))

    def oldest(self, through: float) -> list[Written]:
        """The first entries, up to this time. Raises sqlite3.Error."""
        found: list[Written] = []
        byte_count = 0
        statement = "SELECT number, at, command FROM entries WHERE number > ? ORDER BY number"
        with closing(self._connection.execute(statement, [self._done])) as rows:
            for number, at, command in rows:
                byte_count += len(command)
                if found and (byte_count > MOST_BYTES_AT_ONCE or len(found) == MOST_ENTRIES_AT_ONCE):
                    break
                if at > through:
                    break
                found.append(Written(number, at, command))
        return found

    def remove(self, through: int) -> None:
        """All entries up to this number; the file is small again when none is left. Raises sqlite3.Error.

        They count as removed though the disk may have no room for the change, for nobody may have to wait
        for room to be done with what is done. Whoever opens the file before :meth:`tidy` had room for it
        finds them again, as after a kill.
        """
        entries, byte_count = self._connection.execute(
            "SELECT count(*), coalesce(sum(length(command)), 0) FROM entries"
            " WHERE number > ? AND number <= ?",
            [self._done, through],
        ).fetchone()
        self._done = through
        self._is_untidy = True
        self._entries -= entries
        self._byte_count -= byte_count
        self._mark()
        self.tidy()

    def tidy(self) -> bool:
        """Take what was removed out of the file. False where that has to wait for room on the disk."""
        if not self._is_untidy:
            return True
        try:
            self._change("DELETE FROM entries WHERE number <= ?", [(self._done,)])
        except sqlite3.OperationalError:
            return False
        self._is_untidy = False
        if not self._entries:
            with suppress(sqlite3.Error):  # it would only be larger than it must be
                self._connection.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)")
        return True

    def close(self) -> None:
        """An empty one leaves nothing behind."""
        self._connection.close()
        if not self._entries:
            for suffix in (".sqlite3", HELD, ".lock"):
                self.path.with_suffix(suffix).unlink(missing_ok=True)
        os.close(self._lock)

    def _mark(self, oldest_at: float | None = None) -> None:
        """Show other processes, in the time of a file, how old the oldest entry is; none: no file."""
        at = self.size.oldest_at if oldest_at is None else oldest_at
        if at is None:
            self._marker.unlink(missing_ok=True)
            return
        self._marker.touch(mode=0o600)
        os.utime(self._marker, (at, at))

    def _change(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(statement, rows)
            self._connection.execute("COMMIT")
        except sqlite3.Error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

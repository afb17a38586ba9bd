"""What lies in the spool's files, read from copies: the files themselves are left as they are."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from adapters.postgres.spooled_entries import to_json
from adapters.spool.entries import from_bytes
from faults.observed import SpooledEntry


def read_spool(folder: Path) -> list[SpooledEntry]:
    """Of every journal under ``folder``, in its order, what is durable; nobody may be writing meanwhile."""
    return [
        _entry(command) for path in sorted(folder.rglob("*.sqlite3")) for command in _commands_of_copy(path)
    ]


def _commands_of_copy(path: Path) -> list[bytes]:
    """With the log beside it, which has what a killed process wrote last."""
    with TemporaryDirectory(prefix="trunkline-faults-") as copies:
        for suffix in ("", "-wal"):
            part = path.with_name(path.name + suffix)
            if part.exists():
                shutil.copy(part, copies)
        with closing(sqlite3.connect(Path(copies) / path.name)) as connection:
            return _commands(connection)


def _commands(connection: sqlite3.Connection) -> list[bytes]:
    """None where its process was killed before it had made the table."""
    made = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'entries'").fetchone()[0]
    if not made:
        return []
    return [row[0] for row in connection.execute("SELECT command FROM entries ORDER BY number")]


def _entry(stored: bytes) -> SpooledEntry:
    command = from_bytes(stored)
    _, entry = to_json(command)
    return SpooledEntry(command.call_id, orjson.loads(entry))

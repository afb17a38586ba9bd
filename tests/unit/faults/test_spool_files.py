"""The spool's files are read as they lie there, and are left as they are."""

from __future__ import annotations

from pathlib import Path

from adapters.spool.journal import SqliteJournal
from application.commands import Completion, Start
from domain.delivery import Delivery
from domain.packet import IncomingPacket
from faults.observed import SpooledEntry
from faults.spool_files import read_spool

COMMANDS = (
    Start("c-1", None, {"from": "+1555"}),
    Delivery("c-1", (IncomingPacket("c-1", "main", 1, 1.5, "AAEC"),)),
    Completion("c-1", {"main": 1}),
)
ENTRIES = [
    SpooledEntry("c-1", {"media": None, "metadata": {"from": "+1555"}}),
    SpooledEntry("c-1", {"packets": [{"stream": "main", "sequence": 1, "timestamp": 1.5, "text": "AAEC"}]}),
    SpooledEntry("c-1", {"final_sequence": {"main": 1}}),
]


async def spooling(folder: Path) -> SqliteJournal:
    journal = SqliteJournal(folder, 1_000_000)
    await journal.open("database")
    await journal.append(COMMANDS)
    return journal


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_what_was_written_last_is_read_though_its_process_never_closed_the_file(tmp_path: Path) -> None:
    journal = await spooling(tmp_path)
    before = files(tmp_path)
    assert read_spool(tmp_path) == ENTRIES
    assert files(tmp_path) == before
    await journal.close()
    assert read_spool(tmp_path) == ENTRIES


async def test_what_was_replayed_is_not_there(tmp_path: Path) -> None:
    journal = await spooling(tmp_path)
    await journal.remove((await journal.oldest())[:2])
    assert read_spool(tmp_path) == ENTRIES[2:]
    await journal.remove(await journal.oldest())
    assert read_spool(tmp_path) == []
    await journal.close()


def test_no_folder_and_a_file_that_was_hardly_begun_hold_nothing(tmp_path: Path) -> None:
    assert read_spool(tmp_path / "none") == []
    (tmp_path / "1.sqlite3").touch()
    assert read_spool(tmp_path) == []

"""A journal on a disk that is full: it takes nothing, and is done with what is done all the same."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.spool.journal import SqliteJournal
from application.errors import SpoolUnavailable
from domain.delivery import Delivery
from domain.packet import IncomingPacket
from faults.small_disk import NoSmallDisk, SmallDisk, small_disk

PLENTY = 100_000_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    try:
        with small_disk(tmp_path / "disk", 8) as disk:
            yield disk
    except NoSmallDisk as reason:
        pytest.skip(str(reason))


def delivery(sequence: int) -> Delivery:
    return Delivery("c-1", (IncomingPacket("c-1", "main", sequence, 1.5, "x" * 2_000),))


async def fill(journal: SqliteJournal, disk: SmallDisk) -> int:
    """How many entries it took."""
    await journal.append([delivery(sequence) for sequence in range(300)])
    disk.fill()
    while True:
        try:
            await journal.append([delivery(journal.size.entries)])
        except SpoolUnavailable:
            return journal.size.entries


async def replay(journal: SqliteJournal) -> list[int]:
    """The numbers of what was taken out, in order."""
    done: list[int] = []
    while entries := await journal.oldest():
        commands = [entry.command for entry in entries]
        done += [command.packets[0].sequence for command in commands if isinstance(command, Delivery)]
        await journal.remove(entries)
    return done


async def test_what_is_done_counts_as_removed_and_is_taken_out_once_there_is_room(disk: SmallDisk) -> None:
    journal = SqliteJournal(disk.folder / "spool", PLENTY)
    await journal.open("a")
    taken = await fill(journal, disk)
    assert taken >= 300
    assert await replay(journal) == list(range(taken))
    assert (journal.size.entries, journal.size.byte_count, journal.size.oldest_at) == (0, 0, None)
    assert list(disk.folder.rglob("*.held")) == [], "no other process waits for it"
    disk.free()
    await journal.adopt()
    await journal.append([delivery(1_000)])
    copy = copied(disk, disk.folder.with_name("copy"))
    assert await left_in(copy) == [1_000]
    await journal.close()


async def test_who_takes_over_from_a_process_that_died_before_there_was_room_does_it_again(
    disk: SmallDisk,
) -> None:
    journal = SqliteJournal(disk.folder / "spool", PLENTY)
    await journal.open("a")
    taken = await fill(journal, disk)
    await replay(journal)
    as_after_a_kill = copied(disk, disk.folder.with_name("copy"))
    assert await left_in(as_after_a_kill) == list(range(taken))
    await journal.close()
    assert list((disk.folder / "spool").rglob("*.sqlite3")) == [], "nothing in it was still to be done"


def copied(disk: SmallDisk, to: Path) -> Path:
    """The journals as they lie there, but for whose they are."""
    shutil.copytree(disk.folder / "spool", to, ignore=shutil.ignore_patterns("*.lock", "*-shm"))
    return to


async def left_in(folder: Path) -> list[int]:
    journal = SqliteJournal(folder, PLENTY)
    await journal.open("a")
    try:
        return await replay(journal)
    finally:
        await journal.close()

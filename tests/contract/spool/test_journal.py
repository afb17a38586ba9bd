"""What every journal keeps, on disk or in memory."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from adapters.spool.journal import SqliteJournal
from application.commands import Command, Completion, Start
from application.errors import SpoolUnavailable
from application.ports import Journal, JournalSize
from domain.delivery import Delivery
from domain.media_format import Encoding, MediaFormat
from domain.packet import IncomingPacket
from tests.fakes.journal import FakeJournal

PLENTY = 10_000_000


@pytest.fixture(params=["fake", "sqlite"])
async def journal(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Journal]:
    if request.param == "fake":
        yield FakeJournal()
        return
    journal = SqliteJournal(tmp_path, PLENTY)
    await journal.open("a")
    yield journal
    await journal.close()


@pytest.fixture(params=["fake", "sqlite"])
async def small(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Journal]:
    """Room for a hundred packets at most."""
    if request.param == "fake":
        yield FakeJournal(most_entries=100)
        return
    journal = SqliteJournal(tmp_path, 10_000)
    await journal.open("a")
    yield journal
    await journal.close()


def delivery(sequence: int, data: str | bytes = "text", call_id: str = "c-1") -> Delivery:
    return Delivery(call_id, (IncomingPacket(call_id, "main", sequence, 1.5, data),))


COMMANDS: list[Command] = [
    Start("c-1", None, None),
    Start("c-2", MediaFormat(Encoding.MULAW, 8000, 1), {"from": "+1555", "naïve": "ü\0"}),
    Delivery(
        "c-2",
        (
            IncomingPacket("c-2", "main", 0, -1.25, bytes(range(256))),
            IncomingPacket("c-2", "agent#1", 2**53 - 1, 1e300, "//8="),
            IncomingPacket("c-2", "agent#1", 7, 0.1, ""),
            IncomingPacket("c-2", "agent#1", 8, 0.1, b""),
        ),
    ),
    Completion("c-2", {"main": 500, "agent#1": 2}),
    Completion("c-1", {}),
]


async def commands(journal: Journal) -> list[Command]:
    return [entry.command for entry in await journal.oldest()]


async def test_what_comes_out_is_what_went_in(journal: Journal) -> None:
    """Byte for byte: text stays text, and raw data raw."""
    await journal.append(COMMANDS)
    found = await commands(journal)
    assert found == COMMANDS
    assert isinstance(found[2], Delivery)
    assert [type(packet.data) for packet in found[2].packets] == [bytes, str, str, bytes]


async def test_the_order_is_that_of_the_appends(journal: Journal) -> None:
    """Also of those that come while others are written."""
    await asyncio.gather(*(journal.append([delivery(number)]) for number in range(50)))
    assert await commands(journal) == [delivery(number) for number in range(50)]


async def test_what_is_removed_is_gone_and_the_rest_comes_next(journal: Journal) -> None:
    await journal.append([delivery(1), delivery(2)])
    entries = await journal.oldest()
    await journal.append([delivery(3)])
    await journal.remove(entries)
    assert await commands(journal) == [delivery(3)]
    assert journal.size.entries == 1


async def test_no_two_entries_have_the_same_id(journal: Journal) -> None:
    ids: list[str] = []
    for number in range(3):
        await journal.append([delivery(number)])
        entries = await journal.oldest()
        ids += [entry.entry_id for entry in entries]
        await journal.remove(entries)
    assert len(set(ids)) == 3


async def test_the_size_counts_what_is_under_way(journal: Journal) -> None:
    assert journal.size == JournalSize(0, 0, None)
    appending = asyncio.create_task(journal.append([delivery(1), delivery(2)]))
    await asyncio.sleep(0)
    assert journal.size.entries == 2
    await appending
    assert journal.size.entries == 2
    assert journal.size.byte_count > 0
    assert journal.size.oldest_at is not None
    await journal.remove(await journal.oldest())
    assert journal.size == JournalSize(0, 0, None)


async def test_a_full_one_refuses_all_of_an_append_and_takes_more_when_there_is_room(small: Journal) -> None:
    many = [delivery(number) for number in range(60)]
    await small.append(many)
    with pytest.raises(SpoolUnavailable):
        await small.append([*many, *many])
    assert await commands(small) == many
    assert small.size.entries == 60
    await small.remove(await small.oldest())
    await small.append(many)
    assert await commands(small) == many


async def test_whoever_stops_waiting_does_not_take_its_entry_away_from_others(journal: Journal) -> None:
    hasty = asyncio.create_task(journal.append([delivery(1)]))
    patient = asyncio.create_task(journal.append([delivery(2)]))
    await asyncio.sleep(0)
    hasty.cancel()
    await patient
    assert (await commands(journal))[-1] == delivery(2)


async def test_a_page_is_a_fair_transaction(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path, PLENTY)
    await journal.open("a")
    large = [delivery(number, bytes(60_000)) for number in range(10)]
    await journal.append(large)
    assert await commands(journal) == large[:4]
    await journal.remove(await journal.oldest())
    await journal.remove(await journal.oldest())
    await journal.remove(await journal.oldest())
    await journal.append([delivery(number) for number in range(700)])
    assert len(await journal.oldest()) == 500
    await journal.close()


async def test_a_successor_takes_over_what_was_left(tmp_path: Path) -> None:
    first = SqliteJournal(tmp_path, PLENTY)
    await first.open("a")
    await first.append(COMMANDS)
    await first.close()
    second = SqliteJournal(tmp_path, PLENTY)
    await second.open("a")
    assert second.size.entries == len(COMMANDS)
    assert second.size.oldest_at is not None
    assert await commands(second) == COMMANDS
    await second.remove(await second.oldest())
    await second.close()
    assert list(tmp_path.iterdir()) == [], "an empty journal leaves nothing"


async def test_two_never_share_and_one_adopts_what_the_other_leaves(tmp_path: Path) -> None:
    """What is adopted comes first; the id of an entry stays, whoever carries it out."""
    first, second = SqliteJournal(tmp_path, PLENTY), SqliteJournal(tmp_path, PLENTY)
    await first.open("a")
    await second.open("a")
    await first.append([delivery(1)])
    ids = [entry.entry_id for entry in await first.oldest()]
    await second.append([delivery(2)])
    await second.adopt()
    assert await commands(second) == [delivery(2)], "it is the living one's"
    await first.close()
    await second.adopt()
    assert second.size.entries == 2
    entries = await second.oldest()
    assert [entry.entry_id for entry in entries] == ids
    await second.remove(entries)
    assert await commands(second) == [delivery(2)]
    await second.remove(await second.oldest())
    await second.close()
    assert list(tmp_path.iterdir()) == []


async def test_each_knows_how_old_the_oldest_of_the_others_is(tmp_path: Path) -> None:
    first, second = SqliteJournal(tmp_path, PLENTY), SqliteJournal(tmp_path, PLENTY)
    await first.open("a")
    await second.open("a")
    assert not second.others_hold()
    await first.append([delivery(1)])
    await first.append([delivery(2)])
    await second.append([delivery(3)])
    one, two = await first.oldest()
    (three,) = await second.oldest()
    assert one.at < two.at < three.at
    assert second.others_hold()
    assert second.others_hold(before=three.at)
    assert not second.others_hold(before=one.at)
    assert not first.others_hold(before=two.at)
    await first.remove([one])
    assert second.others_hold(before=three.at)
    assert not second.others_hold(before=two.at)
    await first.remove([two])
    assert not second.others_hold()
    connection = first._files[0]._connection
    connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(SpoolUnavailable):
        await first.append([delivery(number, bytes(60_000)) for number in range(50)])
    assert not second.others_hold(), "nothing was appended"
    await second.remove([three])
    await first.close()
    await second.close()
    assert list(tmp_path.iterdir()) == []


async def test_what_is_adopted_is_merged_by_time(tmp_path: Path) -> None:
    first, second = SqliteJournal(tmp_path, PLENTY), SqliteJournal(tmp_path, PLENTY)
    await first.open("a")
    await second.open("a")
    for number in range(1, 7):
        await (first if number % 2 else second).append([delivery(number)])
    await first.close()
    await second.adopt()
    found: list[Command] = []
    while entries := await second.oldest():
        found += [entry.command for entry in entries]
        await second.remove(entries)
    assert found == [delivery(number) for number in range(1, 7)]
    await second.close()


async def test_what_is_for_another_database_is_left_alone(tmp_path: Path) -> None:
    first, second = SqliteJournal(tmp_path, PLENTY), SqliteJournal(tmp_path, PLENTY)
    await first.open("a")
    await first.append([delivery(1)])
    await first.close()
    await second.open("b")
    await second.adopt()
    assert second.size.entries == 0
    await second.close()


async def test_one_that_cannot_be_read_keeps_nobody_from_theirs(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "7.sqlite3").write_bytes(b"no database" * 1000)
    (tmp_path / "a" / "7.held").touch()
    journal = SqliteJournal(tmp_path, PLENTY)
    await journal.open("a")
    await journal.adopt()
    await journal.append([delivery(1)])
    assert await commands(journal) == [delivery(1)]
    assert not journal.others_hold()
    await journal.close()
    assert (tmp_path / "a" / "7.sqlite3").exists()


async def test_each_transaction_is_synced(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path, PLENTY)
    await journal.open("a")
    connection = journal._files[0]._connection
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    await journal.close()


async def test_a_file_that_was_large_is_small_again_when_it_is_empty(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path, PLENTY)
    await journal.open("a")
    await journal.append([delivery(number, bytes(60_000)) for number in range(50)])
    while entries := await journal.oldest():
        await journal.remove(entries)
    assert sum(file.stat().st_size for file in (tmp_path / "a").iterdir()) < 100_000
    await journal.close()


async def test_a_full_disk_refuses_and_room_on_it_helps(tmp_path: Path) -> None:
    """SQLite's own bound stands in for the disk's: its error is the same."""
    journal = SqliteJournal(tmp_path, PLENTY)
    await journal.open("a")
    connection: sqlite3.Connection = journal._files[0]._connection
    connection.execute("PRAGMA max_page_count = 40")
    taken: list[Command] = []
    with suppress(SpoolUnavailable):
        for number in range(100):
            await journal.append([delivery(number, bytes(10_000))])
            taken.append(delivery(number, bytes(10_000)))
    assert 0 < len(taken) < 100
    assert await commands(journal) == taken
    assert journal.size.entries == len(taken)
    connection.execute("PRAGMA max_page_count = 4000")
    await journal.append([delivery(1_000)])
    assert await commands(journal) == [*taken, delivery(1_000)]
    await journal.close()

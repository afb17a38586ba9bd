"""What every keeper of refusals keeps."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from adapters.postgres.pool import open_pool
from adapters.postgres.refusals import PostgresRefusals, installation_id
from application.commands import Command, Completion, Start
from application.ports import JournalEntry, Refusal, RefusalPosition, Refusals
from domain.delivery import Delivery
from domain.media_format import Encoding, MediaFormat
from domain.packet import IncomingPacket
from tests.databases import Databases
from tests.fakes.refusals import FakeRefusals

COMMANDS: list[Command] = [
    Start("c-1", None, None),
    Start("c-1", MediaFormat(Encoding.L16, 16000, 2), {"from": "+1555", "naïve": "ü\0"}),
    Delivery(
        "c-1",
        (
            IncomingPacket("c-1", "main", 0, -1.25, bytes(range(256))),
            IncomingPacket("c-1", "agent#1", 2**53 - 1, 1e300, "a\0b"),
        ),
    ),
    Completion("c-1", {"main": 500}),
]


@pytest.fixture(params=["fake", "postgres"])
async def refusals(request: pytest.FixtureRequest) -> AsyncIterator[Refusals]:
    if request.param == "fake":
        yield FakeRefusals()
        return
    databases: Databases = request.getfixturevalue("databases")
    async with databases.empty() as url:
        pool = await open_pool(url, largest=2)
        try:
            yield PostgresRefusals(pool)
        finally:
            await pool.close()


def refusal(number: int, command: Command) -> Refusal:
    return Refusal(JournalEntry(f"a-{number}", 1_700_000_000.5, command), "CallClosed", "call 'c-1' is over")


async def test_what_was_sent_is_kept_as_it_was(refusals: Refusals) -> None:
    kept = [refusal(number, command) for number, command in enumerate(COMMANDS)]
    await refusals.keep(kept)
    found = sorted((each.refusal for each in await refusals.newest(None, 10)), key=entry_id)
    assert found == kept


async def test_one_that_is_kept_already_stays_as_it_is(refusals: Refusals) -> None:
    await refusals.keep([refusal(1, COMMANDS[0])])
    await refusals.keep([refusal(1, COMMANDS[3]), refusal(2, COMMANDS[3])])
    found = sorted((each.refusal for each in await refusals.newest(None, 10)), key=entry_id)
    assert found == [refusal(1, COMMANDS[0]), refusal(2, COMMANDS[3])]


async def test_pages_go_from_the_newest_to_the_oldest_without_a_gap(refusals: Refusals) -> None:
    for number in range(5):
        await refusals.keep([refusal(number, COMMANDS[3])])
    seen: list[str] = []
    after: RefusalPosition | None = None
    while page := await refusals.newest(after, 2):
        seen += [entry_id(each.refusal) for each in page]
        after = RefusalPosition(page[-1].at, seen[-1])
    assert seen == ["a-4", "a-3", "a-2", "a-1", "a-0"]


async def test_a_database_has_one_id_for_all(database_url: str) -> None:
    pool = await open_pool(database_url, largest=2)
    try:
        assert await installation_id(pool) == await installation_id(pool)
    finally:
        await pool.close()


def entry_id(refusal: Refusal) -> str:
    return refusal.entry.entry_id

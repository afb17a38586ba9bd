"""The promise of application.ports.PacketDays, held against PostgreSQL and the fake."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest

from application.errors import RoomMade
from domain.call import Call
from domain.call_state import AWAITING_AI, NEEDING_PACKETS, CallState
from domain.packet import Packet
from tests.contract.storage import rich_calls
from tests.contract.storage.arranged import StorageArrangement, packet, save, view

DAY = date(2024, 2, 29)
NEXT = DAY + timedelta(days=1)


@pytest.fixture
def storage(storage_to_change: StorageArrangement) -> StorageArrangement:
    return storage_to_change


def moment(day: date, at: time = time(12)) -> datetime:
    return datetime.combine(day, at, UTC)


async def start_with_packet(storage: StorageArrangement, call_id: str, day: date) -> None:
    """As the use case does: where there was no room, there is on the second try."""
    for is_last in (False, True):
        try:
            async with storage.units() as unit:
                await unit.calls.save([Call.start(call_id, moment(day))])
                await unit.packets.add([packet(1, call_id=call_id)])
                await unit.commit()
                return
        except RoomMade:
            assert not is_last


async def packets_of(storage: StorageArrangement, call_id: str) -> list[Packet]:
    return list(await storage.reader.packets(call_id, None, None, 10))


async def test_days_are_prepared_once_however_often_and_by_how_many(storage: StorageArrangement) -> None:
    before = set(await storage.days.kept())
    days = [DAY + timedelta(days=number) for number in range(5)]
    await asyncio.gather(*(storage.days.prepare(days) for _ in range(5)))
    await storage.days.prepare(days)
    await storage.days.prepare([])
    kept = await storage.days.kept()
    assert set(kept) - before == set(days)
    assert list(kept) == sorted(set(kept))


async def test_today_is_a_day_of_the_storages_clock(storage: StorageArrangement) -> None:
    async with storage.units() as unit:
        await unit.calls.lock([])
        before = unit.now.astimezone(UTC).date()
    today = await storage.days.today()
    async with storage.units() as unit:
        await unit.calls.lock([])
        assert before <= today <= unit.now.astimezone(UTC).date()


async def test_a_packet_finds_room_whatever_its_day(storage: StorageArrangement) -> None:
    await storage.days.prepare([DAY])
    await start_with_packet(storage, "prepared", DAY)
    await start_with_packet(storage, "unprepared", NEXT)
    assert len(await packets_of(storage, "prepared")) == len(await packets_of(storage, "unprepared")) == 1


async def test_a_calls_day_is_that_of_its_start_in_utc(storage: StorageArrangement) -> None:
    """In whichever zone the start was told."""
    await storage.days.prepare([DAY])
    start = moment(DAY, time(23)).astimezone(timezone(timedelta(hours=9)))
    assert start.date() == NEXT
    async with storage.units() as unit:
        await unit.calls.save([Call.start("abroad", start)])
        await unit.packets.add([packet(1, call_id="abroad")])
        await unit.commit()
    assert len(await packets_of(storage, "abroad")) == 1
    assert await storage.days.drop(DAY)
    assert await packets_of(storage, "abroad") == []


async def test_a_dropped_day_is_gone_with_its_packets_and_nothing_else(storage: StorageArrangement) -> None:
    await storage.days.prepare([DAY, NEXT])
    await start_with_packet(storage, "old", DAY)
    await start_with_packet(storage, "new", NEXT)
    assert await storage.days.drop(DAY)
    assert await packets_of(storage, "old") == []
    assert list(await storage.reader.packet_runs("old", "main")) == []
    assert len((await view(storage, "old")).history) == 1
    assert len(await packets_of(storage, "new")) == 1
    kept = await storage.days.kept()
    assert DAY not in kept
    assert NEXT in kept


async def test_there_is_nothing_to_drop_of_a_day_that_is_not_there(storage: StorageArrangement) -> None:
    assert not await storage.days.drop(DAY)
    await storage.days.prepare([DAY])
    assert [await storage.days.drop(DAY) for _ in range(2)] == [True, False]


async def test_a_dropped_day_can_be_prepared_again(storage: StorageArrangement) -> None:
    await storage.days.prepare([DAY])
    await storage.days.drop(DAY)
    await start_with_packet(storage, "late", DAY)
    assert len(await packets_of(storage, "late")) == 1


async def test_the_states_of_a_days_calls(storage: StorageArrangement) -> None:
    """A day is one in UTC, from its first microsecond to its last."""
    await save(
        storage,
        Call.start("before", moment(DAY, time(0)) - timedelta(microseconds=1)),
        Call.start("last", moment(DAY, time.max)),
        Call.start("after", moment(NEXT, time(0))),
        rich_calls.completed("elsewhen"),
    )
    assert await storage.days.states_of_calls(DAY, NEEDING_PACKETS) == {CallState.IN_PROGRESS}
    assert await storage.days.states_of_calls(DAY, AWAITING_AI) == set()
    assert await storage.days.states_of_calls(NEXT + timedelta(days=1), NEEDING_PACKETS) == set()
    await save(storage, Call.start("first", moment(NEXT + timedelta(days=1), time(0))))
    assert await storage.days.states_of_calls(NEXT + timedelta(days=1), NEEDING_PACKETS) == {
        CallState.IN_PROGRESS
    }
    rich_day = rich_calls.START.date()
    assert await storage.days.states_of_calls(rich_day, set(CallState)) == {CallState.COMPLETED}

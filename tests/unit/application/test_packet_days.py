"""Room for packets is made ahead, and what is too old goes, unless a call still needs it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from application.drop_audio import DropAudio
from application.prepare_days import PrepareDays
from domain.audio_retention import AudioRetention
from domain.call import Call
from domain.packet import Packet, PacketKey
from tests.contract.storage import rich_calls
from tests.fakes.packet_days import FakePacketDays
from tests.fakes.storage import InMemoryStorage

CALLED = rich_calls.START.date()


@pytest.fixture
def days(storage: InMemoryStorage) -> FakePacketDays:
    return FakePacketDays(storage)


@pytest.fixture
def drop_audio(days: FakePacketDays) -> DropAudio:
    return DropAudio(days, AudioRetention(30))


def put(storage: InMemoryStorage, call: Call) -> PacketKey:
    """Have the call with a packet."""
    storage.put(call)
    packet = Packet(call.call_id, "main", 1, 0.0, b"sound")
    storage.packets[packet.key] = packet
    return packet.key


def its_days_are_over(storage: InMemoryStorage) -> None:
    storage.clock.advance(timedelta(days=31).total_seconds())


async def test_there_is_room_for_today_and_a_week_ahead_and_always_again(
    days: FakePacketDays, storage: InMemoryStorage
) -> None:
    prepare = PrepareDays(days)
    await prepare()
    assert await days.kept() == [date(2026, 3, day) for day in range(1, 9)]
    storage.clock.advance(15 * 3600)  # past midnight
    await prepare()
    assert (await days.kept())[-1] == date(2026, 3, 9)


async def test_a_day_is_dropped_when_its_time_is_over_and_not_before(
    days: FakePacketDays, storage: InMemoryStorage, drop_audio: DropAudio
) -> None:
    key = put(storage, rich_calls.archived())
    await days.prepare([CALLED, CALLED + timedelta(days=1)])
    storage.clock.advance(timedelta(days=30).total_seconds())
    await drop_audio()
    assert key in storage.packets
    storage.clock.advance(timedelta(days=1).total_seconds())
    await drop_audio()
    assert storage.packets == {}
    assert await days.kept() == [CALLED + timedelta(days=1)]
    assert storage.call("rich").transcript is not None
    assert storage.event_names("rich")[-1] == "call_archived"


@pytest.mark.parametrize(
    "call",
    [
        rich_calls.in_progress("c-1"),
        rich_calls.completed("c-1"),
        rich_calls.in_first_run("c-1"),
        rich_calls.postponed("c-1"),
    ],
    ids=["in progress", "completed", "in a run", "between runs"],
)
async def test_a_day_stays_while_one_of_its_calls_needs_its_packets(
    days: FakePacketDays, storage: InMemoryStorage, drop_audio: DropAudio, call: Call
) -> None:
    """Whole, for it goes whole; and a day that is held up holds up no other."""
    done, open_call = put(storage, rich_calls.archived()), put(storage, call)
    earlier = CALLED - timedelta(days=1)
    await days.prepare([earlier, CALLED])
    its_days_are_over(storage)
    await drop_audio()
    assert storage.packets.keys() == {done, open_call}
    assert await days.kept() == [CALLED]


@pytest.mark.parametrize("call", [rich_calls.archived("c-1"), rich_calls.failed("c-1")])
async def test_a_call_that_is_done_holds_nothing_up(
    days: FakePacketDays, storage: InMemoryStorage, drop_audio: DropAudio, call: Call
) -> None:
    put(storage, call)
    await days.prepare([CALLED])
    its_days_are_over(storage)
    await drop_audio()
    assert storage.packets == {}


async def test_without_retention_everything_stays(days: FakePacketDays, storage: InMemoryStorage) -> None:
    key = put(storage, rich_calls.archived())
    await days.prepare([CALLED])
    storage.clock.advance(timedelta(days=10_000).total_seconds())
    await DropAudio(days, None)()
    assert key in storage.packets

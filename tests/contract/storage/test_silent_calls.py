"""The promise of CallRepository.silent_since, held against PostgreSQL and the fake."""

from __future__ import annotations

from datetime import datetime

from domain.call import Call
from domain.packet import IncomingPacket
from tests.contract.storage import rich_calls
from tests.contract.storage.arranged import StorageArrangement, change, load, save
from tests.contract.storage.rich_calls import at
from tests.deliveries import receive


def call(call_id: str, started_at: datetime, **last_packets: datetime) -> Call:
    """With a packet in each of the streams that are named."""
    made = Call.start(call_id, started_at)
    for stream, time in last_packets.items():
        receive(made, IncomingPacket(call_id, stream, 1, 1.0, "hello"), None, time)
    return made


async def silent_since(storage: StorageArrangement, time: datetime, most: int = 10) -> list[str]:
    async with storage.units() as unit:
        return list(await unit.calls.silent_since(time, most))


async def test_the_latest_packet_of_all_streams_counts_and_else_the_start(
    storage: StorageArrangement,
) -> None:
    await save(
        storage,
        call("silent", at(0), a=at(10), b=at(20)),
        call("announced", at(15)),
        call("heard", at(0), a=at(10), b=at(20.000001)),
        call("new", at(20.000001)),
    )
    assert await silent_since(storage, at(20)) == ["silent", "announced"]
    assert await silent_since(storage, at(14)) == []


async def test_the_time_of_the_last_packet_comes_back(storage: StorageArrangement) -> None:
    """Whichever stream it was of, and whichever was saved last."""
    await save(storage, call("c-1", at(0), a=at(10), b=at(20)))
    late = IncomingPacket("c-1", "a", 2, 1.0, "more")
    await change(storage, "c-1", lambda call: receive(call, late, None, at(30)))
    assert (await load(storage, "c-1")).last_packet_at == at(30)
    await change(storage, "c-1", lambda call: receive(call, late, b"more", at(40)))
    assert (await load(storage, "c-1")).last_packet_at == at(30)
    found = await storage.reader.find("c-1")
    assert found is not None
    assert found.call.last_packet_at == at(30)


async def test_only_calls_that_go_on_are_silent(storage: StorageArrangement) -> None:
    await save(storage, rich_calls.in_progress("going-on"), rich_calls.completed("b"), rich_calls.failed("c"))
    assert await silent_since(storage, at(9_999)) == ["going-on"]


async def test_the_oldest_come_first_and_no_more_than_were_asked_for(storage: StorageArrangement) -> None:
    await save(storage, *(call(f"c-{number}", at(100 - number)) for number in range(5)))
    assert await silent_since(storage, at(200), most=3) == ["c-4", "c-3", "c-2"]

"""The promises of application.ports.CallReader and BacklogReader, held against PostgreSQL and the fake."""

from __future__ import annotations

import asyncio

import pytest

from application.ports import Backlog, CallPosition, PacketPosition, PacketRun, Wanted
from domain.analysis import Transcript
from domain.call import Call
from domain.call_state import CallState
from domain.packet import MAX_DATA_BYTES, MAX_SEQUENCE, Packet
from tests.contract.storage import rich_calls
from tests.contract.storage.arranged import (
    StorageArrangement,
    add_packets,
    change,
    packet,
    save,
    view,
)
from tests.contract.storage.rich_calls import at
from tests.unit.domain.example_calls import snapshot

PAGE_BYTES = 8 * 1024 * 1024


async def test_a_call_is_found_with_its_history(storage: StorageArrangement) -> None:
    call = rich_calls.archived()
    events = list(call._unsaved)
    await save(storage, call)
    found = await view(storage, "rich")
    assert snapshot(found.call) == snapshot(call)
    assert list(found.history) == events
    assert await storage.reader.find("nobody") is None


async def test_a_call_and_its_history_are_of_one_moment(storage: StorageArrangement) -> None:
    """However busy the writers are, no view has a version without its event, or the other way round."""
    call = Call.start("c-1", at(0))
    call.complete({}, 2, at(1))
    await save(storage, call)
    written = asyncio.Event()

    async def write() -> None:
        for _ in range(60):
            await change(storage, "c-1", lambda call: call.begin_run(at(2)))
            await asyncio.sleep(0)
        written.set()

    writer = asyncio.create_task(write())
    views = 0
    while not written.is_set():
        found = await view(storage, "c-1")
        assert found.call.version == len(found.history) == found.call.runs + 2
        views += 1
        await asyncio.sleep(0)
    await writer
    assert views > 5


async def test_calls_are_listed_newest_first_page_by_page(storage: StorageArrangement) -> None:
    """Calls of the same moment too, each once, by their ids."""
    calls = [Call.start(f"c-{number}", at(number // 3)) for number in range(11)]
    await save(storage, *calls)
    in_order = sorted(calls, key=lambda call: (call.started_at, call.call_id), reverse=True)
    listed: list[str] = []
    after: CallPosition | None = None
    while page := await storage.reader.newest(Wanted(), after, 4):
        assert len(page) <= 4
        listed += [call.call_id for call in page]
        after = CallPosition(page[-1].started_at, page[-1].call_id)
    assert listed == [call.call_id for call in in_order]


async def test_calls_are_listed_by_state_with_their_streams(storage: StorageArrangement) -> None:
    await save(storage, rich_calls.in_progress("a"), rich_calls.failed("b"), rich_calls.failed("c"))
    failed = await storage.reader.newest(Wanted(CallState.FAILED), None, 10)
    assert [call.call_id for call in failed] == ["c", "b"]
    assert [set(call.streams) for call in failed] == [{"leg#1", "a:b@c._-9"}] * 2
    assert [
        call.call_id
        for call in await storage.reader.newest(
            Wanted(CallState.FAILED), CallPosition(failed[0].started_at, "c"), 10
        )
    ] == ["b"]
    assert list(await storage.reader.newest(Wanted(CallState.ARCHIVED), None, 10)) == []


async def test_listed_calls_are_whole_but_for_what_is_said_when(storage: StorageArrangement) -> None:
    """A long call's segments and parts would weigh more than all the rest of the page."""
    call = rich_calls.archived()
    await save(storage, call, rich_calls.half_transcribed("half"))
    listed = {found.call_id: found for found in await storage.reader.newest(Wanted(), None, 10)}
    assert call.transcript is not None
    call.transcript = Transcript(call.transcript.text, (), call.transcript.reason)
    assert snapshot(listed["rich"]) == snapshot(call)
    assert listed["half"].partial_transcripts == {}


async def test_packets_are_listed_by_stream_and_sequence_page_by_page(storage: StorageArrangement) -> None:
    packets = [packet(sequence, stream=stream) for stream in ("B", "a", "a#1") for sequence in (0, 2, 10, 9)]
    await add_packets(storage, *packets, packet(1, call_id="c-2"))
    in_order = sorted(packets, key=lambda packet: (packet.stream, packet.sequence))
    assert await every_packet(storage, None, 5) == in_order
    assert await every_packet(storage, "a", 3) == [packet for packet in in_order if packet.stream == "a"]
    assert await every_packet(storage, "none", 3) == []


async def test_a_page_of_large_packets_ends_early_and_loses_nothing(storage: StorageArrangement) -> None:
    largest = bytes(MAX_DATA_BYTES)
    packets = [packet(sequence, largest) for sequence in range(1, 141)]
    await add_packets(storage, *packets)
    page = await storage.reader.packets("c-1", None, None, 1_000)
    assert PAGE_BYTES <= sum(len(packet.data) for packet in page) < PAGE_BYTES + MAX_DATA_BYTES
    assert await every_packet(storage, None, 1_000) == packets


async def every_packet(storage: StorageArrangement, stream: str | None, limit: int) -> list[Packet]:
    packets: list[Packet] = []
    after: PacketPosition | None = None
    while page := await storage.reader.packets("c-1", stream, after, limit):
        assert len(page) <= limit
        packets += page
        after = PacketPosition(page[-1].stream, page[-1].sequence)
    return packets


@pytest.mark.parametrize(
    ("sizes", "runs"),
    [
        ({0: 3}, [(0, 1, 3)]),
        ({1: 5, 2: 5, 3: 5}, [(1, 3, 5)]),
        ({1: 0, 2: 2, 9: 300}, [(1, 1, 0), (2, 1, 2), (9, 1, 300)]),
        ({1: 5, 2: 5, 3: 5, 5: 5, 6: 5, 7: 4, 8: 5}, [(1, 3, 5), (5, 2, 5), (7, 1, 4), (8, 1, 5)]),
        ({3: 0, 4: 0, MAX_SEQUENCE: 0}, [(3, 2, 0), (MAX_SEQUENCE, 1, 0)]),
    ],
)
async def test_packets_of_a_stream_as_runs_of_one_size(
    storage: StorageArrangement, sizes: dict[int, int], runs: list[tuple[int, int, int]]
) -> None:
    """A gap ends a run, and so does another size; neither the order of arrival nor another stream does."""
    of_stream = [packet(sequence, bytes(size)) for sequence, size in reversed(sizes.items())]
    await add_packets(storage, *of_stream, packet(4, stream="other"))
    assert list(await storage.reader.packet_runs("c-1", "main")) == [PacketRun(*run) for run in runs]
    assert list(await storage.reader.packet_runs("c-1", "none")) == []


async def test_the_backlog_of_nothing(storage: StorageArrangement) -> None:
    assert await storage.reader.backlog() == Backlog(dict.fromkeys(CallState, 0), 0, 0, 0, 0.0)


async def test_the_backlog(storage: StorageArrangement) -> None:
    await save(storage, rich_calls.completed("a"), rich_calls.completed("b"), rich_calls.failed("c"))
    async with storage.units() as unit:
        for call_id, in_seconds in {"a": 0, "b": 100, "d": 0, "e": 0, "f": 7}.items():
            await unit.jobs.schedule(call_id, in_seconds)
        await unit.commit()
    await storage.make_job_older("a", 30)
    await storage.make_job_older("d", 90)
    await storage.pick_job("e")
    backlog = await storage.reader.backlog()
    assert backlog.calls == dict.fromkeys(CallState, 0) | {CallState.COMPLETED: 2, CallState.FAILED: 1}
    assert (backlog.jobs_due, backlog.jobs_scheduled, backlog.jobs_running) == (2, 2, 1)
    assert backlog.oldest_job_seconds == pytest.approx(90, abs=5)

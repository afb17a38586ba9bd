"""Looking at calls, page by page."""

from __future__ import annotations

from datetime import timedelta

import pytest

from application.call_queries import CallQueries
from application.errors import StorageUnavailable
from application.ports import CallPosition, PacketPosition, Wanted
from domain.audio_stream import AudioStream
from domain.call import Call
from domain.errors import AudioDropped, NoAudio, UnknownCall
from domain.media_format import Encoding, MediaFormat
from domain.packet import Packet
from domain.sequence_set import SequenceSet
from tests.fakes.recordings import FakeRecordings
from tests.fakes.storage import InMemoryStorage
from tests.fakes.storage_reader import FakeStorageReader

MULAW = MediaFormat(Encoding.MULAW, 8_000, 1)


@pytest.fixture
def queries(storage: InMemoryStorage) -> CallQueries:
    return CallQueries(FakeStorageReader(storage, page_bytes=10), FakeRecordings())


def put(storage: InMemoryStorage, *call_ids: str, media: MediaFormat | None = None) -> None:
    for number, call_id in enumerate(call_ids):
        storage.put(Call.start(call_id, storage.clock.now + timedelta(seconds=number), media))


def put_packets(storage: InMemoryStorage, *data: bytes) -> None:
    for sequence, piece in enumerate(data, start=1):
        packet = Packet("c-1", "main", sequence, 0.0, piece)
        storage.packets[packet.key] = packet


async def test_a_call_is_shown_with_its_history(queries: CallQueries, storage: InMemoryStorage) -> None:
    put(storage, "c-1")
    view = await queries.call("c-1")
    assert view.call.call_id == "c-1"
    assert [recorded.event.name for recorded in view.history] == ["call_started"]


async def test_an_unknown_call_is_unknown_to_every_question(queries: CallQueries) -> None:
    with pytest.raises(UnknownCall):
        await queries.call("c-1")
    with pytest.raises(UnknownCall):
        await queries.packets("c-1", None, None, 10)
    with pytest.raises(UnknownCall):
        await queries.wav("c-1")


@pytest.mark.parametrize(
    ("limit", "pages"),
    [(2, [["e", "d"], ["c", "b"], ["a"]]), (5, [["e", "d", "c", "b", "a"]]), (1, list("edcba"))],
)
async def test_pages_of_calls_end_where_there_are_no_more(
    queries: CallQueries, storage: InMemoryStorage, limit: int, pages: list[list[str]]
) -> None:
    put(storage, *"abcde")
    seen: list[list[str]] = []
    after: CallPosition | None = None
    while True:
        calls, after = await queries.newest(Wanted(), after, limit)
        seen.append([call.call_id for call in calls])
        if after is None:
            break
    assert seen == [list(page) for page in pages]


async def test_pages_of_packets_end_where_there_are_no_more(
    queries: CallQueries, storage: InMemoryStorage
) -> None:
    """Also where a page is cut short because its packets are large."""
    put(storage, "c-1")
    put_packets(storage, b"123456", b"123456", b"123456", b"1")
    seen: list[list[int]] = []
    after: PacketPosition | None = None
    while True:
        _, packets, after = await queries.packets("c-1", None, after, 3)
        seen.append([packet.sequence for packet in packets])
        if after is None:
            break
    assert seen == [[1, 2], [3, 4]]


async def test_a_call_without_packets_has_one_empty_page(
    queries: CallQueries, storage: InMemoryStorage
) -> None:
    put(storage, "c-1")
    call, packets, after = await queries.packets("c-1", "main", None, 3)
    assert (call.call_id, list(packets), after) == ("c-1", [], None)


async def test_only_an_audio_call_can_be_heard(queries: CallQueries, storage: InMemoryStorage) -> None:
    put(storage, "text")
    put(storage, "sound", media=MULAW)
    with pytest.raises(NoAudio):
        await queries.wav("text")
    wav = await queries.wav("sound")
    assert len(b"".join([chunk async for chunk in wav.chunks()])) == wav.byte_count


async def test_dropped_audio_is_told_from_a_call_without_any(
    queries: CallQueries, storage: InMemoryStorage
) -> None:
    call = Call.start("dropped", storage.clock.now, MULAW)
    call.streams["main"] = AudioStream("main", SequenceSet([(1, 3)]), 480)
    storage.put(call)
    put(storage, "silent", media=MULAW)
    with pytest.raises(AudioDropped):
        await queries.wav("dropped")
    assert (await queries.packets("dropped", None, None, 10))[1:] == ([], None)
    await queries.wav("silent")


async def test_trouble_with_the_storage_is_told(queries: CallQueries, storage: InMemoryStorage) -> None:
    storage.fail_next("read", StorageUnavailable())
    with pytest.raises(StorageUnavailable):
        await queries.call("c-1")

"""What PacketRecordings promises beyond the port: long, large, hostile and changing calls."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from adapters.audio.recordings import PacketRecordings
from application.ports import PacketPosition
from domain.media_format import Encoding, MediaFormat
from domain.packet import MAX_SEQUENCE, Packet
from tests.fakes.call_reader import InMemoryCallReader
from tests.unit.audio.sounds import (
    L16_8K,
    L16_16K,
    Heard,
    bytes_of,
    call_of,
    listed,
    packet,
    packets_of,
    samples,
    tone,
)

MAX_PART_BYTES = 200_000


class CountingReader(InMemoryCallReader):
    """Notes the size of every page that is read, and the packets in them."""

    def __init__(self, packets: Sequence[Packet]) -> None:
        super().__init__(packets)
        self.limits: list[int] = []
        self.read: list[Packet] = []

    async def packets(
        self, call_id: str, stream: str | None, after: PacketPosition | None, limit: int
    ) -> Sequence[Packet]:
        self.limits.append(limit)
        page = await super().packets(call_id, stream, after, limit)
        self.read += page
        return page


async def test_long_audio_is_cut_below_the_limit_and_nothing_is_lost() -> None:
    pcm = tone(40, rate_hz=16_000)
    packets = packets_of(pcm, packet_bytes=64_000)
    recordings = PacketRecordings(InMemoryCallReader(packets), MAX_PART_BYTES)
    parts = await listed(recordings.parts(call_of(packets, L16_16K), ()))
    assert len(parts) > 6
    assert all(len(part.wav) <= MAX_PART_BYTES for part in parts)
    assert b"".join(part.wav[44:] for part in parts) == pcm
    ends = 0.0
    for part in parts:
        assert part.start_seconds == pytest.approx(ends)
        ends += Heard(part.wav).seconds


@pytest.mark.parametrize(("frames", "parts"), [(99_978, 1), (99_979, 2)])
async def test_the_limit_is_one_on_the_whole_file(frames: int, parts: int) -> None:
    packets = packets_of(tone(7, rate_hz=16_000)[: 2 * frames], packet_bytes=32_000)
    recordings = PacketRecordings(InMemoryCallReader(packets), MAX_PART_BYTES)
    made = await listed(recordings.parts(call_of(packets, L16_16K), ()))
    assert len(made) == parts
    assert max(len(part.wav) for part in made) <= MAX_PART_BYTES


@pytest.mark.parametrize("rate_hz", [4_000, 8_000, 11_025, 44_100, 48_000])
async def test_parts_are_16_khz_without_a_seam_whatever_the_call_has(rate_hz: int) -> None:
    pcm = tone(3, rate_hz=rate_hz)
    packets = packets_of(pcm, packet_bytes=2 * (rate_hz // 50))
    call = call_of(packets, MediaFormat(Encoding.L16, rate_hz, 1))
    recordings = PacketRecordings(InMemoryCallReader(packets), MAX_PART_BYTES)
    (part,) = await listed(recordings.parts(call, ()))
    heard = Heard(part.wav)
    assert (heard.rate_hz, heard.sample_bytes, len(heard.channels)) == (16_000, 2, 1)
    assert heard.seconds == pytest.approx(3, abs=0.001)
    steepest = max(abs(a - b) for a, b in zip(heard.channels[0], heard.channels[0][1:], strict=False))
    assert steepest < 8_000 * 2 * 3.15 * 440 / 16_000 * 1.1


async def test_skipping_some_parts_leaves_the_others_as_they_were() -> None:
    packets = packets_of(tone(40, rate_hz=16_000), packet_bytes=64_000)
    recordings = PacketRecordings(InMemoryCallReader(packets), MAX_PART_BYTES)
    call = call_of(packets, L16_16K)
    parts = await listed(recordings.parts(call, ()))
    skip = {parts[0].name, parts[3].name}
    assert await listed(recordings.parts(call, skip)) == [part for part in parts if part.name not in skip]


async def test_a_part_shorter_than_services_take_is_filled_up() -> None:
    packets = [packet(1, samples(1_000, 2_000))]
    recordings = PacketRecordings(InMemoryCallReader(packets), MAX_PART_BYTES)
    (part,) = await listed(recordings.parts(call_of(packets), ()))
    assert Heard(part.wav).seconds == 0.2


async def test_parts_that_are_digital_silence_are_left_out() -> None:
    packets = [packet(1, tone(0.5)), packet(100, tone(0.5))]
    recordings = PacketRecordings(InMemoryCallReader(packets), MAX_PART_BYTES)
    parts = await listed(recordings.parts(call_of(packets), ()))
    assert [part.start_seconds < 5 for part in parts] == [True, False]
    assert len(parts) == 2
    assert Heard(parts[1].wav).seconds < 6.3


async def test_a_hostile_jump_is_an_hour_of_silence() -> None:
    packets = [packet(1, tone(0.5)), packet(MAX_SEQUENCE, tone(0.5))]
    recordings = PacketRecordings(InMemoryCallReader(packets), 25_000_000)
    parts = await listed(recordings.parts(call_of(packets), ()))
    assert parts[0].start_seconds == 0
    assert parts[-1].start_seconds > 2_700
    file = await recordings.wav(call_of(packets))
    assert file.byte_count == 44 + 2 * (3_600 * 8_000 + 2 * 4_000)


async def test_a_packet_that_comes_while_the_file_is_read_changes_nothing() -> None:
    packets = [packet(1, samples(1, 2)), packet(3, samples(5, 6))]
    reader = InMemoryCallReader(packets)
    file = await PacketRecordings(reader, MAX_PART_BYTES).wav(call_of(packets))
    reader.add(packet(2, samples(3, 4, 4, 4)))
    reader.add(packet(4, samples(7, 8)))
    content = await bytes_of(file)
    assert len(content) == file.byte_count
    assert Heard(content).channels == [[1, 2, 0, 0, 5, 6]]


async def test_a_packet_that_is_gone_when_the_file_is_read_leaves_silence() -> None:
    packets = [packet(1, samples(1, 2)), packet(2, samples(3, 4)), packet(3, samples(5, 6))]
    reader = InMemoryCallReader(packets)
    recordings = PacketRecordings(reader, MAX_PART_BYTES)
    file = await recordings.wav(call_of(packets))
    for gone in packets[1:]:
        reader.remove(gone)
    content = await bytes_of(file)
    assert len(content) == file.byte_count
    assert Heard(content).channels == [[1, 2, 0, 0, 0, 0]]


async def test_pages_may_be_shorter_than_asked_for() -> None:
    packets = packets_of(tone(1))
    short = PacketRecordings(InMemoryCallReader(packets, packets_a_page=3), MAX_PART_BYTES)
    content = await bytes_of(await short.wav(call_of(packets)))
    assert content[44:] == tone(1)


async def test_many_streams_share_the_packets_in_memory() -> None:
    packets = [
        made
        for stream in range(100)
        for made in packets_of(tone(0.1), packet_bytes=320, stream=f"s{stream:03}")
    ]
    reader = CountingReader(packets)
    file = await PacketRecordings(reader, MAX_PART_BYTES).wav(call_of(packets))
    content = await bytes_of(file)
    assert len(content) == file.byte_count == 44 + 100 * len(tone(0.1))
    assert max(reader.limits) * 100 <= 1_024


@pytest.mark.parametrize(
    ("first", "after", "sequences"),
    [
        (0, 44, []),
        (44, 46, [1]),
        (44 + 320 * 7, 44 + 320 * 9, [8, 9]),
        (44 + 320 * 7 - 1, 44 + 320 * 9 + 1, [7, 8, 9, 10]),
        (44 + 320 * 20, 44 + 320 * 22, []),
        (44 + 320 * 18, 44 + 320 * 52, [19, 51, 52]),
        (44 + 320 * 1_500, 44 + 320 * 1_500 + 2, [1_501]),
        (44 + 320 * 1_999, 44 + 320 * 2_000, [2_000]),
    ],
)
async def test_no_packet_is_read_that_is_not_in_the_range(
    first: int, after: int, sequences: list[int]
) -> None:
    """Nor are those behind a gap, or a page's worth."""
    packets = [packet(number, bytes(320)) for number in range(1, 2_001) if not 20 <= number <= 50]
    reader = CountingReader(packets)
    file = await PacketRecordings(reader, MAX_PART_BYTES).wav(call_of(packets))
    reader.read.clear()
    content = b"".join([chunk async for chunk in file.chunks(first, after)])
    assert len(content) == after - first
    assert [read.sequence for read in reader.read] == sequences


@pytest.mark.parametrize("streams", [1, 60])
async def test_chunks_are_small_however_long_and_wide_the_call(streams: int) -> None:
    second = tone(1)
    packets = [
        made for stream in range(streams) for made in packets_of(second * 3, len(second), stream=f"s{stream}")
    ]
    file = await PacketRecordings(InMemoryCallReader(packets), MAX_PART_BYTES).wav(call_of(packets))
    sizes = [len(chunk) async for chunk in file.chunks()]
    assert max(sizes) <= 256 * 1_024
    assert sum(sizes) == file.byte_count == 44 + streams * 3 * len(second)


async def test_a_call_whose_packets_are_gone_is_an_empty_file_and_no_parts() -> None:
    call = call_of([packet(1, tone(0.1))])
    recordings = PacketRecordings(InMemoryCallReader(), MAX_PART_BYTES)
    file = await recordings.wav(call)
    content = await bytes_of(file)
    assert len(content) == file.byte_count == 44
    assert Heard(content).frames == 0
    assert await listed(recordings.parts(call, ())) == []


def test_a_limit_below_a_second_of_audio_is_refused() -> None:
    with pytest.raises(ValueError, match="max_part_bytes"):
        PacketRecordings(InMemoryCallReader(), 32_000)


async def test_packets_without_data_and_odd_bytes_do_no_harm() -> None:
    packets = [packet(1, b""), packet(2, samples(1, 2) + b"\x01"), packet(4, b"")]
    recordings = PacketRecordings(InMemoryCallReader(packets), MAX_PART_BYTES)
    content = await bytes_of(await recordings.wav(call_of(packets, L16_8K)))
    assert Heard(content).channels == [[1, 2, 0, 0]]

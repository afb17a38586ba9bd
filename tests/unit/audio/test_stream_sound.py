"""One stream, read page by page."""

from __future__ import annotations

import asyncio

from adapters.audio.stream_sound import StreamSound
from domain.media_format import Encoding, MediaFormat
from domain.packet import MAX_SEQUENCE, Packet
from tests.fakes.call_reader import InMemoryCallReader
from tests.unit.audio.sounds import CALL_ID, L16_8K, packet, samples, tone


async def opened(reader: InMemoryCallReader, media: MediaFormat = L16_8K) -> StreamSound:
    sound = await StreamSound.open(reader, CALL_ID, "main", media)
    assert sound is not None
    return sound


async def test_a_stream_without_packets_has_no_sound() -> None:
    assert await StreamSound.open(InMemoryCallReader(), CALL_ID, "main", L16_8K) is None


async def test_it_says_when_it_begins_by_its_first_sequence_not_by_the_earliest_timestamp() -> None:
    packets = [packet(1, samples(1), timestamp=20.0), packet(2, samples(2), timestamp=10.0)]
    assert (await opened(InMemoryCallReader(packets))).first_timestamp == 20.0


async def test_packets_of_several_channels_stay_interleaved() -> None:
    stereo = MediaFormat(Encoding.MULAW, 8_000, 2)
    sound = await opened(InMemoryCallReader([packet(2, b"\xff\x80")]), stereo)
    assert sound.frames == 2
    assert [pcm async for pcm in sound.pcm(10)] == [samples(0, 0, 0, 32_124)]


async def test_a_packet_that_is_gone_is_silence_and_the_others_stay_in_their_places() -> None:
    packets: list[Packet] = [packet(1, samples(1, 2, 3)), packet(2, samples(4)), packet(3, samples(5, 6))]
    reader = InMemoryCallReader(packets)
    sound = await opened(reader)
    reader.remove(packets[1])
    assert [pcm async for pcm in sound.pcm(10)] == [samples(1, 2, 3, 0, 5, 6)]


async def test_blocks_are_about_a_second_and_other_tasks_run_between_them() -> None:
    packets = [packet(1, tone(0.5)), packet(MAX_SEQUENCE, tone(0.5))]
    sound = await opened(InMemoryCallReader(packets))
    turns_of_others = 0

    async def watch() -> None:
        nonlocal turns_of_others
        while True:
            turns_of_others += 1
            await asyncio.sleep(0)

    watching = asyncio.create_task(watch())
    sizes = [len(pcm) async for pcm in sound.pcm(10)]
    watching.cancel()
    assert sum(sizes) == 2 * sound.frames
    assert max(sizes) < 2 * 16_000
    assert turns_of_others >= len(sizes) - 1

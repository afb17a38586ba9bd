"""The promise of application.ports.Recordings, held against the real adapter and the fake."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import pairwise

import pytest

from adapters.audio.recordings import PacketRecordings
from application.ports import Recordings
from domain.media_format import Encoding, MediaFormat
from domain.packet import Packet
from tests.fakes.call_reader import InMemoryCallReader
from tests.fakes.recordings import FakeRecordings
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

Made = Callable[[Iterable[Packet]], Recordings]


def real(packets: Iterable[Packet]) -> Recordings:
    return PacketRecordings(InMemoryCallReader(packets), max_part_bytes=64_044)


def fake(packets: Iterable[Packet]) -> Recordings:
    return FakeRecordings(packets, part_seconds=2)


@pytest.fixture(params=[real, fake], ids=["real", "fake"])
def made(request: pytest.FixtureRequest) -> Made:
    made: Made = request.param
    return made


async def wav_of(made: Made, packets: list[Packet], media: MediaFormat = L16_8K) -> Heard:
    """The call as a WAV file, whose announced size holds."""
    file = await made(packets).wav(call_of(packets, media))
    content = await bytes_of(file)
    assert len(content) == file.byte_count
    return Heard(content)


async def test_missing_packets_are_silence(made: Made) -> None:
    packets = [packet(2, samples(1, 2)), packet(3, samples(3)), packet(6, samples(4, 5))]
    heard = await wav_of(made, packets)
    assert heard.channels == [[0, 0, 1, 2, 3, 0, 0, 4, 5]]


async def test_packet_0_counts_where_it_is_there(made: Made) -> None:
    assert (await wav_of(made, [packet(0, samples(1)), packet(1, samples(2))])).channels == [[1, 2]]


async def test_the_file_has_the_calls_own_rate_and_16_bits(made: Made) -> None:
    heard = await wav_of(made, [packet(1, b"\xff\x80")], MediaFormat(Encoding.MULAW, 8_000, 1))
    assert (heard.rate_hz, heard.sample_bytes) == (8_000, 2)
    assert heard.channels == [[0, 32_124]]


async def test_alaw_is_decoded(made: Made) -> None:
    heard = await wav_of(made, [packet(1, b"\xd5\xaa")], MediaFormat(Encoding.ALAW, 8_000, 1))
    assert heard.channels == [[8, 32_256]]


async def test_streams_are_channels_in_the_order_of_their_names_and_of_one_length(made: Made) -> None:
    packets = [packet(1, samples(1, 2, 3), "b"), packet(1, samples(7), "a")]
    assert (await wav_of(made, packets)).channels == [[7, 0, 0], [1, 2, 3]]


async def test_a_stream_that_begins_later_is_heard_later(made: Made) -> None:
    packets = [packet(1, samples(1), "a", 1_000.0), packet(1, samples(2), "b", 1_000.0005)]
    assert (await wav_of(made, packets)).channels == [[1, 0, 0, 0, 0], [0, 0, 0, 0, 2]]


async def test_channels_of_one_stream_are_mixed_down(made: Made) -> None:
    heard = await wav_of(made, [packet(1, samples(100, 200, -100, 100))], MediaFormat(Encoding.L16, 8_000, 2))
    assert heard.channels == [[150, 0]]


async def test_one_stream_alone_stays_in_its_place(made: Made) -> None:
    """So that it is as long as the call."""
    packets = [packet(1, samples(1, 2, 3, 4, 5, 6), "a", 1_000.0), packet(1, samples(2), "b", 1_000.0005)]
    file = await made(packets).wav(call_of(packets, L16_8K), "b")
    content = await bytes_of(file)
    assert len(content) == file.byte_count
    assert Heard(content).channels == [[0, 0, 0, 0, 2, 0]]


@pytest.mark.parametrize("seed", range(12))
async def test_any_range_of_the_file_is_that_slice_of_the_whole(made: Made, seed: int) -> None:
    """Of streams that begin late, with packets of many sizes, some of them missing or empty."""
    chance = random.Random(seed)  # to try many
    packets, media = some_packets(chance)
    recordings, call = made(packets), call_of(packets, media)
    for stream in (None, packets[-1].stream):
        file = await recordings.wav(call, stream)
        whole = await bytes_of(file)
        assert len(whole) == file.byte_count
        for _ in range(25):
            first, after = sorted(chance.randrange(file.byte_count + 1) for _ in range(2))
            assert b"".join([chunk async for chunk in file.chunks(first, after)]) == whole[first:after]
        middle = file.byte_count // 2
        assert b"".join([chunk async for chunk in file.chunks(middle)]) == whole[middle:]
        assert b"".join([chunk async for chunk in file.chunks(0, 2)]) == b"RI"


def some_packets(chance: random.Random) -> tuple[list[Packet], MediaFormat]:
    media = chance.choice(
        [L16_8K, MediaFormat(Encoding.MULAW, 8_000, 1), MediaFormat(Encoding.L16, 8_000, 2)]
    )
    packets = []
    for number in range(chance.randint(1, 3)):
        usual, begins_at = chance.randint(1, 9), chance.choice([0.0, 0.0, 0.0004, 0.002])
        for sequence in sorted(chance.sample(range(25), chance.randint(1, 15))):
            frames = usual if chance.random() < 0.8 else chance.randint(0, 12)
            data = chance.randbytes(frames * media.bytes_per_frame)
            packets.append(packet(sequence, data, f"s{number}", 1_000 + begins_at))
    return packets, media


async def test_a_file_that_cannot_change_any_more_has_a_version(made: Made) -> None:
    """Which is the same whenever it is asked for, and another for other streams."""
    packets = [packet(1, samples(1, 2), "a"), packet(1, samples(3), "b")]
    call = call_of(packets)
    assert (await made(packets).wav(call)).version is None
    call.complete({}, 0, call.started_at)
    assert (await made(packets).wav(call)).version is None, "late packets are taken still"
    call.begin_run(call.started_at)
    version = (await made(packets).wav(call)).version
    assert version is not None
    assert (await made(packets).wav(call)).version == version
    versions = [
        version,
        (await made(packets).wav(call, "a")).version,
        (await made(packets).wav(call, "b")).version,
    ]
    assert len({*versions, (await made([]).wav(call)).version}) == 4


async def test_another_calls_file_has_another_version(made: Made) -> None:
    """Though it is as long: of another time under the same id, and with another packet missing."""
    versions = set()
    for packets, seconds in (
        ([packet(1, samples(1, 2))], 0),
        ([packet(2, samples(2))], 0),
        ([packet(1, samples(3, 3))], 1e-6),
    ):
        call = call_of(packets)
        call.started_at += timedelta(seconds=seconds)
        call.complete({}, 0, call.started_at)
        call.begin_run(call.started_at)
        versions.add((await made(packets).wav(call)).version)
    assert len(versions) == 3


async def test_a_waveform_has_the_loudest_sample_of_each_stretch_of_the_call(made: Made) -> None:
    packets = [
        packet(1, samples(16_384, 0, -32_768, 8_192), "a", 1_000.0),
        packet(1, samples(3_277, 5), "b", 1_000.0005),
    ]
    waveform = await made(packets).waveform(call_of(packets, L16_8K), 3)
    assert waveform.duration_seconds == 6 / 8_000
    assert [stream.stream for stream in waveform.streams] == ["a", "b"]
    peaks = [list(stream.peaks) for stream in waveform.streams]
    assert peaks == [pytest.approx([0.5, 1.0, 0.0], abs=1e-4), pytest.approx([0.0, 0.0, 0.1], abs=1e-4)]


@pytest.mark.parametrize("points", [1, 2, 7, 40, 79, 80, 81, 200])
async def test_a_waveform_has_as_many_points_as_were_asked_for(made: Made, points: int) -> None:
    """Packet by packet louder, whatever the points fall on."""
    packets = [packet(number, samples(*[number * 1_000] * 8)) for number in range(1, 11)]
    (stream,) = (await made(packets).waveform(call_of(packets, L16_8K), points)).streams
    assert len(stream.peaks) == points
    assert list(stream.peaks) == sorted(stream.peaks)
    assert stream.peaks[-1] == pytest.approx(10_000 / 32_768, abs=1e-4)
    if points >= 10:
        assert stream.peaks[0] == pytest.approx(1_000 / 32_768, abs=1e-4)


async def test_a_waveform_has_its_gaps_in_seconds_of_the_call(made: Made) -> None:
    media = MediaFormat(Encoding.MULAW, 8_000, 1)
    packets = [
        packet(1, bytes(160), "a", 1_000.0),
        packet(2, bytes(80), "b", 1_000.5),
        packet(4, bytes(160), "b", 1_000.5),
    ]
    a, b = (await made(packets).waveform(call_of(packets, media), 10)).streams
    assert list(a.gaps) == []
    assert list(b.gaps) == [pytest.approx((0.5, 0.51)), pytest.approx((0.52, 0.53))]


async def test_the_waveform_of_a_call_without_packets_is_empty(made: Made) -> None:
    waveform = await made([]).waveform(call_of([]), 5)
    assert (waveform.duration_seconds, list(waveform.streams)) == (0, [])


async def test_each_channel_of_each_stream_is_transcribed_on_its_own(made: Made) -> None:
    left, right = tone(1, 16_000, 8_000), tone(1, 16_000, 300)
    both = b"".join(left[at : at + 2] + right[at : at + 2] for at in range(0, len(left), 2))
    packets = [packet(1, both, "b"), packet(1, both, "a")]
    parts = await listed(made(packets).parts(call_of(packets, MediaFormat(Encoding.L16, 16_000, 2)), ()))
    assert [part.name for part in parts] == ["a/0/0-1000", "a/1/0-1000", "b/0/0-1000", "b/1/0-1000"]
    assert [part.stream for part in parts] == ["a", "a", "b", "b"]
    assert [part.wav[44:] for part in parts] == [left, right, left, right]


async def test_parts_are_16_bit_16_khz_mono_wav(made: Made) -> None:
    packets = packets_of(tone(1))
    (part,) = await listed(made(packets).parts(call_of(packets), ()))
    heard = Heard(part.wav)
    assert (heard.rate_hz, heard.sample_bytes, len(heard.channels)) == (16_000, 2, 1)
    assert heard.seconds == pytest.approx(1, abs=0.001)


async def test_a_long_stream_comes_in_parts_that_follow_each_other(made: Made) -> None:
    packets = packets_of(tone(5, 16_000), 32_000)
    parts = await listed(made(packets).parts(call_of(packets, L16_16K), ()))
    assert len(parts) >= 3
    assert len({part.name for part in parts}) == len(parts)
    assert b"".join(part.wav[44:] for part in parts) == tone(5, 16_000)
    assert all(len(part.wav) <= 64_044 for part in parts)
    assert parts[0].start_seconds == 0
    for earlier, later in pairwise(parts):
        assert later.start_seconds == pytest.approx(earlier.start_seconds + Heard(earlier.wav).seconds)


async def test_names_stay_and_named_parts_are_skipped(made: Made) -> None:
    packets = packets_of(tone(5, 16_000), 32_000)
    recordings, call = made(packets), call_of(packets, L16_16K)
    parts = await listed(recordings.parts(call, ()))
    assert await listed(recordings.parts(call, [parts[1].name])) == [parts[0], *parts[2:]]


async def test_times_are_counted_from_the_calls_start(made: Made) -> None:
    packets = [packet(1, tone(0.5), "a", 1_000.0), packet(1, tone(0.5), "b", 1_012.5)]
    parts = await listed(made(packets).parts(call_of(packets), ()))
    assert [(part.stream, part.start_seconds) for part in parts] == [("a", 0.0), ("b", 12.5)]


async def test_parts_that_are_all_silence_are_left_out(made: Made) -> None:
    packets = packets_of(bytes(16_000))
    assert await listed(made(packets).parts(call_of(packets), ())) == []


async def test_a_text_call_has_no_sound(made: Made) -> None:
    packets = [packet(1, b"hello")]
    recordings, call = made(packets), call_of(packets, MediaFormat())
    with pytest.raises(ValueError, match="text call"):
        await recordings.wav(call)
    with pytest.raises(ValueError, match="text call"):
        recordings.parts(call, ())

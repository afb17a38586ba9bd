"""Missing packets as silence."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adapters.audio.timeline import MAX_FILLED_SECONDS, GapFiller, Timeline
from application.ports import PacketRun
from domain.packet import MAX_SEQUENCE
from tests.fakes.call_reader import InMemoryCallReader
from tests.unit.audio.sounds import CALL_ID, L16_8K, packet

SIZES = st.dictionaries(st.integers(0, 60), st.integers(0, 50), max_size=30).map(lambda d: sorted(d.items()))


def filled(sizes: list[tuple[int, int]], most: int = 10**9) -> list[int]:
    filler = GapFiller(most)
    return [filler.frames_before(sequence, 1, frames) for sequence, frames in sizes]


def test_a_missing_packet_plays_as_long_as_the_one_before_it() -> None:
    assert filled([(1, 160), (2, 80), (5, 160)]) == [0, 0, 2 * 80]


def test_a_gap_at_the_start_plays_as_long_as_the_first_packet_there_is() -> None:
    assert filled([(4, 160)]) == [3 * 160]


def test_numbering_starts_at_0_where_packet_0_is_there() -> None:
    assert filled([(0, 160), (2, 160)]) == [0, 160]
    assert filled([(1, 160), (2, 160)]) == [0, 0]


def test_past_its_bound_the_audio_closes_up() -> None:
    assert filled([(1, 100), (4, 100), (8, 100), (20, 100)], most=450) == [0, 200, 250, 0]


def test_a_hostile_jump_costs_an_hour_of_silence_and_no_time() -> None:
    timeline = Timeline.of([PacketRun(1, 1, 320), PacketRun(MAX_SEQUENCE, 1, 320)], L16_8K)
    assert timeline.frames == MAX_FILLED_SECONDS * 8_000 + 2 * 160


@given(SIZES, st.integers(0, 2_000))
def test_it_is_what_playing_packet_by_packet_would_give(sizes: list[tuple[int, int]], most: int) -> None:
    have = dict(sizes)
    expected, before, left, silence = [], sizes[0][1] if sizes else 0, most, 0
    for sequence in range(0 if 0 in have else 1, max(have, default=0) + 1):
        if sequence in have:
            expected.append(silence)
            before, silence = have[sequence], 0
        else:
            play = min(before, left)
            silence, left = silence + play, left - play
    assert filled(sizes, most) == expected


@given(SIZES)
def test_the_length_is_that_of_the_packets_and_the_silence(sizes: list[tuple[int, int]]) -> None:
    timeline = timeline_of(sizes)
    assert timeline.frames == sum(filled(sizes)) + sum(frames for _, frames in sizes)


@given(SIZES)
def test_each_packet_begins_where_the_silence_before_it_ends(sizes: list[tuple[int, int]]) -> None:
    timeline = timeline_of(sizes)
    assert {number: timeline.start_of(number) for number in range(62)} == dict.fromkeys(range(62)) | {
        sequence: start for sequence, start, _ in placed(sizes)
    }


@given(SIZES, st.data())
def test_what_plays_in_some_frames_is_found(sizes: list[tuple[int, int]], data: st.DataObject) -> None:
    """Every packet that does, no more before or after, but for such as have no frame at all."""
    timeline = timeline_of(sizes)
    first = data.draw(st.integers(0, timeline.frames))
    after = data.draw(st.integers(first, timeline.frames + 1))
    begin, count = timeline.packets_of(first, after)
    found = [each for each in placed(sizes) if each[0] >= begin][:count]
    needed = [each for each in placed(sizes) if first < each[1] + each[2] and each[1] < after and each[2]]
    assert [each for each in found if each[2]] == needed if first < after else True


def timeline_of(sizes: list[tuple[int, int]]) -> Timeline:
    """Of 16-bit packets of so many frames; neighbours of one size are one run."""
    reader = InMemoryCallReader(packet(sequence, bytes(2 * frames)) for sequence, frames in sizes)
    return Timeline.of(reader.runs(CALL_ID, "main"), L16_8K)


def placed(sizes: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Each packet's sequence, first frame and frames, counted one by one."""
    at, found = 0, []
    for (sequence, frames), silence in zip(sizes, filled(sizes), strict=True):
        found.append((sequence, at + silence, frames))
        at += silence + frames
    return found

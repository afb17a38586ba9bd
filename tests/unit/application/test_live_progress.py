"""What two looks at live calls tell."""

from __future__ import annotations

from application.feed_events import CallProgressed, GapStood
from application.feed_ports import LiveCall
from application.live_progress import LiveProgress
from domain.audio_stream import AudioStream
from domain.media_format import Encoding, MediaFormat
from domain.sequence_set import SequenceSet
from tests.contract.storage.rich_calls import at

MULAW = MediaFormat(Encoding.MULAW, 8_000, 1)


def live(
    *ranges: tuple[int, int], call_id: str = "c-1", media: MediaFormat = MULAW, duplicates: int = 0
) -> LiveCall:
    received = SequenceSet(ranges)
    return LiveCall(call_id, media, [AudioStream("main", received, 160 * len(received), duplicates)])


def gaps(told: list[CallProgressed | GapStood]) -> list[tuple[tuple[int, int], ...]]:
    return [event.missing for event in told if isinstance(event, GapStood)]


async def test_how_far_a_call_is() -> None:
    (told,) = await LiveProgress().look([live((1, 50), (53, 100), duplicates=7)], at(5))
    assert isinstance(told, CallProgressed)
    assert (told.at, told.call_id, told.packets) == (at(5), "c-1", 98)
    assert told.duration_seconds == 98 * 160 / 8_000
    assert [(each.received, each.duplicates, each.next_expected, each.missing) for each in told.streams] == [
        (98, 7, 101, ((51, 52),))
    ]


async def test_a_call_has_the_packets_of_all_its_streams_and_the_length_of_its_longest() -> None:
    short = AudioStream("b", SequenceSet([(1, 10)]), 1_600)
    call = LiveCall("c-1", MULAW, [*live((1, 50)).streams, short])
    (told,) = await LiveProgress().look([call], at(0))
    assert isinstance(told, CallProgressed)
    assert (told.packets, told.duration_seconds) == (60, 1.0)
    assert [stream.duration_seconds for stream in told.streams] == [1.0, 0.2]


async def test_a_text_call_has_no_length() -> None:
    (told,) = await LiveProgress().look([live((1, 2), media=MediaFormat())], at(0))
    assert isinstance(told, CallProgressed)
    assert (told.duration_seconds, told.streams[0].duration_seconds) == (None, None)


async def test_of_a_call_that_stands_still_nothing_is_told() -> None:
    progress = LiveProgress()
    await progress.look([live((1, 3)), live((1, 3), call_id="c-2")], at(0))
    told = await progress.look([live((1, 4)), live((1, 3), call_id="c-2")], at(1))
    assert [event.call_id for event in told] == ["c-1"]


async def test_a_packet_that_came_again_is_told() -> None:
    progress = LiveProgress()
    await progress.look([live((1, 3))], at(0))
    assert len(await progress.look([live((1, 3), duplicates=1)], at(1))) == 1
    assert await progress.look([live((1, 3), duplicates=1)], at(2)) == []


async def test_a_gap_is_told_where_it_stood_twice_and_only_once() -> None:
    progress = LiveProgress()
    looks = [
        live((1, 3), (6, 9)),
        live((1, 3), (6, 12)),
        live((1, 3), (6, 15)),
        live((1, 3), (6, 15), (20, 22)),
        live((1, 3), (6, 15), (20, 24)),
    ]
    assert [gaps(await progress.look([look], at(0))) for look in looks] == [
        [],
        [((4, 5),)],
        [],
        [],
        [((4, 5), (16, 19))],
    ]


async def test_a_gap_that_closes_in_time_is_none() -> None:
    progress = LiveProgress()
    looks = [live((1, 3), (6, 9)), live((1, 9), (12, 13)), live((1, 14))]
    assert [gaps(await progress.look([look], at(0))) for look in looks] == [[], [], []]


async def test_what_is_left_of_a_gap_that_was_told_is_no_news() -> None:
    progress = LiveProgress()
    looks = [live((1, 3), (9, 10)), live((1, 3), (9, 11)), live((1, 3), (5, 5), (9, 12))]
    assert [gaps(await progress.look([look], at(0))) for look in looks] == [[], [((4, 8),)], []]

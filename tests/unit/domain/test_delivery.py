"""Packets that were sent together: the call takes all of them, or is exactly as it was."""

from __future__ import annotations

import pytest

from domain.audio_stream import MAX_RANGES, AudioStream
from domain.call import Call
from domain.call_state import CallState
from domain.delivery import Delivery, DeliveryReceipt, StreamStanding
from domain.errors import (
    CallClosed,
    DeliveryRefused,
    InvalidValue,
    SequenceConflict,
    StreamLimitReached,
    TrunklineError,
)
from domain.packet import IncomingPacket, Packet, PacketKey
from domain.sequence_set import SequenceSet
from domain.stream_names import MAX_STREAMS
from tests.unit.domain.example_calls import START, call_in, packet, snapshot, started

STORED = {PacketKey("c-1", "main", 2): b"hello"}


def delivery(*packets: IncomingPacket) -> Delivery:
    return Delivery("c-1", packets)


def call_with_packet_2() -> Call:
    call = started()
    call.receive(delivery(packet(2)), {}, START)
    return call


def refused(call: Call, *packets: IncomingPacket) -> dict[int, TrunklineError]:
    """Why, by place; and the call is as it was."""
    before, streams = snapshot(call), {name: id(stream) for name, stream in call.streams.items()}
    with pytest.raises(DeliveryRefused) as refusal:
        call.receive(delivery(*packets), STORED, START)
    assert snapshot(call) == before
    assert call.streams.keys() == streams.keys()
    return refusal.value.refusals


def test_streams_are_named_once_in_order_of_appearance() -> None:
    sent = delivery(packet(1, stream="b"), packet(1, stream="a"), packet(2, stream="b"))
    assert sent.streams == ("b", "a")


def test_the_receipt_counts_and_tells_where_each_stream_of_the_delivery_stands() -> None:
    call = call_with_packet_2()
    call.receive(delivery(packet(1, stream="elsewhere")), {}, START)
    sent = delivery(packet(2), packet(5), packet(1, "agent's", "agent"), packet(5), packet(3))
    receipt, to_store = call.receive(sent, STORED, START)
    assert receipt == DeliveryReceipt(
        "c-1",
        accepted=3,
        duplicates=2,
        streams=(
            StreamStanding("main", through=5, next_expected=6, missing=((1, 1), (4, 4))),
            StreamStanding("agent", through=1, next_expected=2, missing=()),
        ),
    )
    assert to_store == [
        Packet("c-1", "main", 5, 1_700_000_000.5, b"hello"),
        Packet("c-1", "agent", 1, 1_700_000_000.5, b"agent's"),
        Packet("c-1", "main", 3, 1_700_000_000.5, b"hello"),
    ]
    assert {name: stream.duplicates for name, stream in call.streams.items()} == {
        "main": 2,
        "elsewhere": 0,
        "agent": 0,
    }


def test_a_delivery_of_duplicates_changes_nothing_but_their_count() -> None:
    call = call_with_packet_2()
    before = snapshot(call)
    receipt, to_store = call.receive(delivery(packet(2), packet(2)), STORED, START)
    assert (receipt.accepted, receipt.duplicates, to_store) == (0, 2, [])
    assert call.streams["main"].duplicates == 2
    call.streams["main"].duplicates = 0
    assert snapshot(call) == before


def test_a_replayed_delivery_answers_as_any_other_and_counts_no_duplicates() -> None:
    """It may have been carried out before: nobody need have sent it again."""
    call = call_with_packet_2()
    receipt, to_store = call.receive(delivery(packet(2), packet(3), packet(3)), STORED, START, is_replay=True)
    assert (receipt.accepted, receipt.duplicates) == (1, 2)
    assert [stored.sequence for stored in to_store] == [3]
    assert call.streams["main"].duplicates == 0


def test_a_refused_delivery_counts_none_of_its_duplicates() -> None:
    call = call_with_packet_2()
    call.receive(delivery(packet(2)), STORED, START)
    refused(call, packet(2), packet(2, "other"), packet(2))
    assert call.streams["main"].duplicates == 1


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_conflict_anywhere_refuses_all(place: int) -> None:
    packets = [packet(1), packet(3, stream="agent")]
    packets.insert(place, packet(2, "other"))
    refusals = refused(call_with_packet_2(), *packets)
    assert list(refusals) == [place]
    assert isinstance(refusals[place], SequenceConflict)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_bad_value_anywhere_refuses_all(place: int) -> None:
    packets = [packet(1), packet(3)]
    packets.insert(place, packet(4, "a\0b"))
    refusals = refused(call_with_packet_2(), *packets)
    assert list(refusals) == [place]
    assert isinstance(refusals[place], InvalidValue)


def test_a_stream_too_many_takes_the_others_of_its_delivery_along() -> None:
    call = call_with_packet_2()
    packets = [packet(1, stream=f"leg-{number}") for number in range(MAX_STREAMS)]
    refusals = refused(call, *packets)
    assert list(refusals) == [MAX_STREAMS - 1]
    assert isinstance(refusals[MAX_STREAMS - 1], StreamLimitReached)
    call.receive(delivery(*packets[:-1]), STORED, START)
    assert len(call.streams) == MAX_STREAMS


def test_a_gap_too_many_refuses_all() -> None:
    call = started()
    full = SequenceSet((10 * at, 10 * at) for at in range(1, MAX_RANGES))
    call.streams["main"] = AudioStream("main", full, 7)
    assert list(refused(call, packet(11), packet(15), packet(25))) == [2]
    assert call.streams["main"].received_bytes == 7


def test_other_data_under_a_number_of_the_same_delivery_is_a_conflict() -> None:
    """A new packet's data counts though nothing is stored yet."""
    refusals = refused(started(), packet(1, "one"), packet(1, "one"), packet(1, "other"))
    assert list(refusals) == [2]
    assert isinstance(refusals[2], SequenceConflict)


def test_each_refusal_is_named_by_its_place_in_order() -> None:
    refusals = refused(
        call_with_packet_2(),
        packet(1),
        packet(2, "other"),
        packet(3, "\0"),
        packet(4),
        packet(5, stream="a b"),
    )
    assert {place: type(why) for place, why in refusals.items()} == {
        1: SequenceConflict,
        2: InvalidValue,
        4: InvalidValue,
    }
    assert list(refusals) == [1, 2, 4]


def test_the_detail_tells_how_many_and_the_first() -> None:
    error = DeliveryRefused({4: InvalidValue("data", "is bad"), 1: InvalidValue("stream", "is worse")})
    assert list(error.refusals) == [1, 4]
    assert error.detail == "2 refused, the first at 2: stream: is worse"


@pytest.mark.parametrize("state", [CallState.PROCESSING_AI, CallState.ARCHIVED, CallState.FAILED])
def test_a_closed_call_refuses_each(state: CallState) -> None:
    refusals = refused(call_in(state), packet(1), packet(2))
    assert {place: type(why) for place, why in refusals.items()} == {0: CallClosed, 1: CallClosed}


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (packet(2, "other"), SequenceConflict),
        (packet(1, "\0"), InvalidValue),
        (packet(1, stream=""), InvalidValue),
    ],
)
def test_a_lone_packet_raises_its_own_refusal(sent: IncomingPacket, error: type[TrunklineError]) -> None:
    call = call_with_packet_2()
    before = snapshot(call)
    with pytest.raises(TrunklineError) as refusal:
        call.receive(delivery(sent), STORED, START)
    assert refusal.type is error
    assert snapshot(call) == before


def test_a_refused_delivery_can_be_sent_again_without_what_was_wrong() -> None:
    call = call_with_packet_2()
    refused(call, packet(1), packet(2, "other"), packet(3))
    receipt, to_store = call.receive(delivery(packet(1), packet(3)), STORED, START)
    assert (receipt.accepted, receipt.duplicates) == (2, 0)
    assert [stored.sequence for stored in to_store] == [1, 3]
    assert receipt.streams == (StreamStanding("main", 3, 4, ()),)

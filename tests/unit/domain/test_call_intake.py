"""A call starts and takes packets."""

from __future__ import annotations

import base64

import pytest

from domain.call import Call
from domain.call_state import CallState
from domain.errors import (
    CallClosed,
    CallDiffers,
    InvalidValue,
    SequenceConflict,
    StreamLimitReached,
)
from domain.media_format import Encoding, MediaFormat
from domain.packet import MAX_SEQUENCE, Packet
from domain.stream_names import MAX_STREAMS
from tests.deliveries import Receipt, ReceiptStatus, receive
from tests.unit.domain.example_calls import START, call_in, packet, receive_all, snapshot, started

MULAW = MediaFormat(Encoding.MULAW, 8_000, 1)
OPEN_STATES = [CallState.IN_PROGRESS, CallState.COMPLETED]
CLOSED_STATES = [CallState.PROCESSING_AI, CallState.ARCHIVED, CallState.FAILED]


def test_a_new_call_is_in_progress_and_carries_text_unless_told_otherwise() -> None:
    call = Call.start("c-1", START)
    assert (call.call_id, call.state, call.started_at) == ("c-1", CallState.IN_PROGRESS, START)
    assert (call.media, call.metadata, call.streams) == (MediaFormat(), {}, {})
    assert (call.runs, call.next_run_at, call.completed_at, call.archived_at) == (0, None, None, None)


@pytest.mark.parametrize("call_id", ["c", "A-z.0_9:@", "x" * 128])
def test_a_call_id_within_its_alphabet_is_taken(call_id: str) -> None:
    assert Call.start(call_id, START).call_id == call_id


@pytest.mark.parametrize("call_id", ["", "x" * 129, "a b", "a/b", "a#b", "ä", "٣", "a\n", "\0"])
def test_any_other_call_id_is_refused(call_id: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        Call.start(call_id, START)
    assert refusal.value.field == "call_id"


def test_a_call_with_bad_metadata_does_not_start() -> None:
    with pytest.raises(InvalidValue):
        Call.start("c-1", START, None, {"key": "\0"})


@pytest.mark.parametrize("state", CallState)
def test_the_same_start_again_changes_nothing_in_any_state(state: CallState) -> None:
    call = call_in(state)
    before = snapshot(call)
    call.start_again(None, None)
    call.start_again(MediaFormat(), {})
    assert snapshot(call) == before


@pytest.mark.parametrize(
    ("media", "metadata", "field"),
    [
        (MediaFormat(Encoding.ALAW, 8_000, 1), {"to": "200"}, "media"),
        (None, {"to": "200"}, "media"),
        (MULAW, {"to": "201"}, "metadata"),
        (MULAW, None, "metadata"),
    ],
)
def test_a_start_that_says_something_else_is_refused(
    media: MediaFormat | None, metadata: dict[str, str] | None, field: str
) -> None:
    call = Call.start("c-1", START, MULAW, {"to": "200"})
    call.start_again(MULAW, {"to": "200"})
    with pytest.raises(CallDiffers) as refusal:
        call.start_again(media, metadata)
    assert refusal.value.field == field


def test_a_packet_is_accepted_and_handed_out_to_be_stored() -> None:
    call = Call.start("c-1", START, MULAW)
    data = base64.b64encode(bytes(160)).decode()
    receipt, stored = receive(call, packet(1, data), None)
    assert receipt == Receipt(ReceiptStatus.ACCEPTED, "c-1", "main", 1, next_expected=2, missing=())
    assert stored == Packet("c-1", "main", 1, 1_700_000_000.5, bytes(160))
    assert call.streams["main"].received_bytes == 160


def test_receipts_say_what_is_expected_next_and_what_is_missing() -> None:
    receipts = receive_all(started(), [2, 5, 1, 3, 4])
    assert [receipt.next_expected for receipt in receipts] == [3, 6, 6, 6, 6]
    assert [receipt.missing for receipt in receipts] == [
        ((1, 1),),
        ((1, 1), (3, 4)),
        ((3, 4),),
        ((4, 4),),
        (),
    ]


def test_zero_is_accepted_as_a_streams_first() -> None:
    receipts = receive_all(started(), [0, 1])
    assert [(receipt.next_expected, receipt.missing) for receipt in receipts] == [(1, ()), (2, ())]


def test_a_hostile_jump_costs_one_range() -> None:
    call = started()
    receipts = receive_all(call, [1, MAX_SEQUENCE])
    assert receipts[-1].missing == ((2, MAX_SEQUENCE - 1),)
    assert call.streams["main"].received.range_count == 2


def test_streams_are_numbered_each_for_itself() -> None:
    call = started()
    receive_all(call, [1, 2], "caller")
    (receipt,) = receive_all(call, [1], "agent#2")
    assert (receipt.status, receipt.next_expected) == (ReceiptStatus.ACCEPTED, 2)
    assert call.has("caller", 2)
    assert not call.has("agent#2", 2)
    assert not call.has("main", 1)


@pytest.mark.parametrize("state", OPEN_STATES)
@pytest.mark.parametrize("stored", [b"hello", None], ids=["kept", "no longer kept"])
def test_the_same_packet_again_is_a_duplicate_and_only_its_streams_count_of_them_changes(
    state: CallState, stored: bytes | None
) -> None:
    call = call_in(state)
    receive_all(call, [1]) if state is CallState.IN_PROGRESS else None
    receive_all(call, [1], "agent")
    before = snapshot(call)
    receipt, to_store = receive(call, packet(1), stored)
    assert receipt == Receipt(ReceiptStatus.DUPLICATE, "c-1", "main", 1, next_expected=2, missing=())
    assert to_store is None
    assert [(name, stream.duplicates) for name, stream in call.streams.items()] == [("main", 1), ("agent", 0)]
    call.streams["main"].duplicates = 0
    assert snapshot(call) == before


@pytest.mark.parametrize("state", OPEN_STATES)
def test_other_data_under_the_same_number_is_refused(state: CallState) -> None:
    call = call_in(state)
    receive_all(call, [1]) if state is CallState.IN_PROGRESS else None
    before = snapshot(call)
    with pytest.raises(SequenceConflict) as refusal:
        receive(call, packet(1, "other"), b"hello")
    assert (refusal.value.stream, refusal.value.sequence) == ("main", 1)
    assert snapshot(call) == before


def test_what_is_stored_counts_only_under_a_number_that_was_received() -> None:
    receipt, to_store = receive(started(), packet(1, "new"), b"left over")
    assert receipt.status is ReceiptStatus.ACCEPTED
    assert to_store is not None


def test_an_empty_packet_that_was_stored_is_compared_too() -> None:
    call = started()
    receive(call, packet(1, ""), None)
    with pytest.raises(SequenceConflict):
        receive(call, packet(1, "other"), b"")


def test_a_late_packet_is_taken_while_the_call_is_completed() -> None:
    call = call_in(CallState.COMPLETED)
    (receipt,) = receive_all(call, [3])
    assert (receipt.status, receipt.missing) == (ReceiptStatus.ACCEPTED, ((2, 2),))
    assert call.state is CallState.COMPLETED


@pytest.mark.parametrize("state", CLOSED_STATES)
@pytest.mark.parametrize("sequence", [1, 2], ids=["duplicate", "new"])
def test_no_packet_is_taken_past_completed(state: CallState, sequence: int) -> None:
    call = call_in(state)
    before = snapshot(call)
    with pytest.raises(CallClosed) as refusal:
        receive(call, packet(sequence), b"hello")
    assert refusal.value.state is state
    assert snapshot(call) == before


@pytest.mark.parametrize("stream", ["", "x" * 65, "a b", "a/b", "ä", "a\n"])
def test_a_stream_name_outside_its_alphabet_is_refused(stream: str) -> None:
    call = started()
    before = snapshot(call)
    with pytest.raises(InvalidValue) as refusal:
        receive(call, packet(1, stream=stream), None)
    assert refusal.value.field == "stream"
    assert snapshot(call) == before


def test_data_that_the_calls_encoding_cannot_mean_leaves_nothing_behind() -> None:
    call = Call.start("c-1", START, MULAW)
    before = snapshot(call)
    with pytest.raises(InvalidValue):
        receive(call, packet(1, "not base64!"), None)
    assert snapshot(call) == before


def test_a_call_has_a_bounded_number_of_streams() -> None:
    call = started()
    for at in range(MAX_STREAMS):
        receive(call, packet(1, stream=f"leg-{at}"), None)
    before = snapshot(call)
    with pytest.raises(StreamLimitReached) as refusal:
        receive(call, packet(1, stream="one-more"), None)
    assert refusal.value.field == "stream"
    assert snapshot(call) == before
    receipt, _ = receive(call, packet(2, stream="leg-0"), None)
    assert receipt.status is ReceiptStatus.ACCEPTED

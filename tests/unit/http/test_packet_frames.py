"""Packets as WebSocket messages."""

from __future__ import annotations

import math
import struct
from itertools import accumulate

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import DataTooLarge, InvalidValue
from domain.packet import MAX_DATA_BYTES, MAX_SEQUENCE, IncomingPacket
from entrypoints.http.packet_frames import MAX_PACKETS, packet_of_text, packets_of_frame
from entrypoints.http.problems import UnreadableBody
from entrypoints.http.structuring import MalformedBody

packets = st.builds(
    IncomingPacket,
    st.just("c-1"),
    st.just("leg"),
    st.integers(0, MAX_SEQUENCE),
    st.floats(allow_nan=False, allow_infinity=False),
    st.binary(max_size=60),
)


def framed(packet: IncomingPacket) -> bytes:
    """By the words of the document, not by the code."""
    assert isinstance(packet.data, bytes)
    return (
        len(packet.data).to_bytes(4, "big")
        + packet.sequence.to_bytes(8, "big")
        + struct.pack(">d", packet.timestamp)
        + packet.data
    )


def parsed(frame: bytes) -> list[IncomingPacket]:
    return packets_of_frame("c-1", "leg", frame)


def header(length: int = 0, sequence: int = 1, timestamp: float = 1.5) -> bytes:
    return struct.pack(">IQd", length, sequence, timestamp)


@given(st.lists(packets, min_size=1, max_size=20))
def test_packets_back_to_back_are_read_as_they_were_written(sent: list[IncomingPacket]) -> None:
    assert parsed(b"".join(map(framed, sent))) == sent


@given(st.lists(packets, min_size=1, max_size=5), st.data())
def test_a_frame_that_is_cut_short_anywhere_is_refused(
    sent: list[IncomingPacket], data: st.DataObject
) -> None:
    """But between two packets: what is left are whole packets."""
    frame = b"".join(map(framed, sent))
    at = data.draw(st.integers(0, len(frame) - 1))
    ends = list(accumulate(len(framed(packet)) for packet in sent))
    if at in ends:
        assert parsed(frame[:at]) == sent[: ends.index(at) + 1]
        return
    with pytest.raises(UnreadableBody) as refusal:
        parsed(frame[:at])
    assert refusal.value.status == 400
    place = sum(end <= at for end in ends) + 1
    assert at == 0 or f"packet {place}" in refusal.value.detail


def test_a_message_without_a_packet_is_refused() -> None:
    with pytest.raises(UnreadableBody, match="a packet at least") as refusal:
        parsed(b"")
    assert refusal.value.status == 400


def test_data_may_be_empty() -> None:
    assert [packet.data for packet in parsed(header() + header() + header(1) + b"x")] == [b"", b"", b"x"]


def test_a_thousand_packets_are_taken_and_no_more() -> None:
    assert MAX_PACKETS == 1_000
    assert len(parsed(header() * 1_000)) == 1_000
    with pytest.raises(UnreadableBody) as refusal:
        parsed(header() * 1_001)
    assert refusal.value.status == 413


def test_the_largest_data_is_taken_and_no_larger() -> None:
    assert parsed(header(MAX_DATA_BYTES) + bytes(MAX_DATA_BYTES))[0].data == bytes(MAX_DATA_BYTES)
    with pytest.raises(DataTooLarge) as refusal:
        parsed(header() + header(MAX_DATA_BYTES + 1) + bytes(MAX_DATA_BYTES + 1))
    assert refusal.value.field == "2.data"


@pytest.mark.parametrize("length", [MAX_DATA_BYTES + 1, 2**31, 2**32 - 1])
def test_a_length_that_no_data_may_have_is_told_before_the_data_is_looked_for(length: int) -> None:
    for rest in (b"", bytes(MAX_DATA_BYTES)):
        with pytest.raises(DataTooLarge):
            parsed(header(length) + rest)


@pytest.mark.parametrize("sequence", [MAX_SEQUENCE + 1, 2**63, 2**64 - 1])
def test_a_sequence_out_of_bounds_is_named_by_packet(sequence: int) -> None:
    with pytest.raises(InvalidValue) as refusal:
        parsed(header() + header(sequence=sequence))
    assert refusal.value.field == "2.sequence"


@pytest.mark.parametrize("timestamp", [math.nan, math.inf, -math.inf])
def test_a_timestamp_that_is_no_number_is_named_by_packet(timestamp: float) -> None:
    with pytest.raises(InvalidValue) as refusal:
        parsed(header(timestamp=timestamp))
    assert refusal.value.field == "1.timestamp"


def test_text_is_a_packet_in_json() -> None:
    text = '{"sequence": 3, "data": "é", "timestamp": 1}'
    assert packet_of_text("c-1", "leg", text) == IncomingPacket("c-1", "leg", 3, 1, "é")


@pytest.mark.parametrize(("given_stream", "stream"), [(None, "leg"), ("other", "other")])
def test_text_may_name_its_stream(given_stream: str | None, stream: str) -> None:
    body = {"sequence": 3, "data": "", "timestamp": 1, "stream": given_stream}
    assert packet_of_text("c-1", "leg", orjson.dumps(body).decode()).stream == stream


@pytest.mark.parametrize("text", ["", " ", "{", "nonsense", '{"a": NaN}', "\ud800", "{} {}"])
def test_text_that_is_no_json(text: str) -> None:
    with pytest.raises(UnreadableBody) as refusal:
        packet_of_text("c-1", "leg", text)
    assert refusal.value.status == 400


def test_every_bad_field_of_a_text_is_named() -> None:
    with pytest.raises(MalformedBody) as refusal:
        packet_of_text("c-1", "leg", '{"sequence": "1", "colour": 1, "data": null, "stream": 5}')
    named = {error.path for error in refusal.value.errors}
    assert named == {"sequence", "colour", "data", "stream", "timestamp"}

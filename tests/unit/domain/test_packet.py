"""The bounds of a packet, and what identifies it."""

from __future__ import annotations

import math

import pytest

from domain.errors import DataTooLarge, InvalidValue
from domain.packet import MAX_DATA_BYTES, MAX_SEQUENCE, IncomingPacket, Packet, PacketKey


def incoming(sequence: int = 1, timestamp: float = 0.0, data: str | bytes = "") -> IncomingPacket:
    return IncomingPacket("c-1", "main", sequence, timestamp, data)


@pytest.mark.parametrize("sequence", [0, 1, MAX_SEQUENCE])
def test_sequences_from_0_to_the_largest_exact_json_integer_are_taken(sequence: int) -> None:
    assert incoming(sequence).sequence == sequence
    assert MAX_SEQUENCE == 9_007_199_254_740_991


@pytest.mark.parametrize("sequence", [-1, MAX_SEQUENCE + 1, 2**62])
def test_other_sequences_are_refused(sequence: int) -> None:
    with pytest.raises(InvalidValue) as refusal:
        incoming(sequence)
    assert refusal.value.field == "sequence"


@pytest.mark.parametrize("timestamp", [math.nan, math.inf, -math.inf])
def test_a_timestamp_that_is_no_number_of_seconds_is_refused(timestamp: float) -> None:
    with pytest.raises(InvalidValue) as refusal:
        incoming(timestamp=timestamp)
    assert refusal.value.field == "timestamp"


def test_at_most_64_kib_of_data_are_taken() -> None:
    assert MAX_DATA_BYTES == 65_536


@pytest.mark.parametrize(
    ("character", "width_bytes"), [("a", 1), ("ä", 2), ("日", 3), ("\ud800", 3), ("😀", 4)]
)
def test_data_is_measured_in_utf_8(character: str, width_bytes: int) -> None:
    full = character * (MAX_DATA_BYTES // width_bytes)
    full += "a" * (MAX_DATA_BYTES % width_bytes)
    assert incoming(data=full).data == full
    with pytest.raises(DataTooLarge) as refusal:
        incoming(data=full + "a")
    assert refusal.value.field == "data"


def test_raw_data_is_measured_in_bytes() -> None:
    assert incoming(data=bytes(MAX_DATA_BYTES)).data == bytes(MAX_DATA_BYTES)
    with pytest.raises(DataTooLarge) as refusal:
        incoming(data=bytes(MAX_DATA_BYTES + 1))
    assert refusal.value.field == "data"


def test_a_packet_keeps_the_key_it_came_with() -> None:
    assert incoming(7).key == PacketKey("c-1", "main", 7)
    assert Packet("c-1", "main", 7, 0.0, b"").key == incoming(7).key

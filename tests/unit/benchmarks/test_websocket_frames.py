"""Frames as RFC 6455 has them, and packets in them as Trunkline reads them."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.load.packets import sent_at_seconds
from benchmarks.load.websocket_frames import (
    BrokenFrame,
    Frame,
    FrameReader,
    Opcode,
    PacketFrames,
    binary_packet,
    client_frame,
    masked,
)


def server_frame(opcode: int, payload: bytes, *, is_final: bool = True) -> bytes:
    first = opcode | (0x80 if is_final else 0)
    if len(payload) < 126:
        return bytes([first, len(payload)]) + payload
    if len(payload) < 65536:
        return struct.pack("!BBH", first, 126, len(payload)) + payload
    return struct.pack("!BBQ", first, 127, len(payload)) + payload


def test_the_masked_hello_of_the_rfc() -> None:
    """RFC 6455, section 5.7."""
    frame = client_frame(Opcode.TEXT, b"Hello", mask=bytes.fromhex("37fa213d"))
    assert frame == bytes.fromhex("818537fa213d7f9f4d5158")


@pytest.mark.parametrize(
    ("size", "head"),
    [(125, "82fd"), (126, "82fe007e"), (65535, "82feffff"), (65536, "82ff0000000000010000")],
)
def test_the_length_takes_as_many_bytes_as_it_needs(size: int, head: str) -> None:
    frame = client_frame(Opcode.BINARY, bytes(size), mask=bytes(4))
    assert frame.startswith(bytes.fromhex(head))
    assert len(frame) == len(bytes.fromhex(head)) + 4 + size


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_masking_twice_gives_what_was_masked(payload: bytes, key: bytes) -> None:
    once = masked(payload, key)
    assert masked(once, key) == payload
    assert once == bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


def test_frames_differ_in_their_masks() -> None:
    assert client_frame(Opcode.TEXT, b"Hello")[2:6] != client_frame(Opcode.TEXT, b"Hello")[2:6]


@given(
    st.lists(st.tuples(st.sampled_from(list(Opcode)), st.binary(max_size=400), st.booleans())),
    st.integers(1, 50),
)
def test_a_servers_frames_are_read_however_they_arrive(
    frames: list[tuple[Opcode, bytes, bool]], step: int
) -> None:
    data = b"".join(server_frame(opcode, payload, is_final=final) for opcode, payload, final in frames)
    reader = FrameReader()
    read = [frame for at in range(0, len(data), step) for frame in reader.feed(data[at : at + step])]
    assert read == [Frame(opcode, final, payload) for opcode, payload, final in frames]


def test_a_long_frame_of_a_server_is_read() -> None:
    payload = bytes(70_000)
    assert FrameReader().feed(server_frame(Opcode.BINARY, payload)) == [Frame(2, True, payload)]


@pytest.mark.parametrize("broken", ["8185000000", "c100"], ids=["masked", "with an extension"])
def test_what_a_server_may_not_send_is_a_fault(broken: str) -> None:
    with pytest.raises(BrokenFrame):
        FrameReader().feed(bytes.fromhex(broken))


def test_a_binary_packet_has_a_header_of_twenty_bytes() -> None:
    packet = binary_packet(7, b"sound")
    assert struct.unpack("!IQd", packet[:20]) == (5, 7, sent_at_seconds(7))
    assert packet[20:] == b"sound"


def test_frames_built_ahead_hold_the_packets_in_order_and_any_run_of_them_is_a_slice() -> None:
    frames = PacketFrames.build(4, 3, [b"a", b"bc"])
    assert len(frames) == 4
    assert sequences_in(frames.run(0, 4)) == list(range(1, 13))
    assert sequences_in(frames.run(1, 3)) == list(range(4, 10))
    assert bytes(frames.run(0, 2)) + bytes(frames.run(2, 4)) == bytes(frames.run(0, 4))
    assert bytes(frames.run(2, 2)) == b""


def sequences_in(data: memoryview) -> list[int]:
    """Of short frames, read as a server does."""
    rest, found = bytes(data), []
    while rest:
        size = rest[1] & 0x7F
        payload = masked(rest[6 : 6 + size], rest[2:6])
        rest = rest[6 + size :]
        while payload:
            length, sequence, _ = struct.unpack("!IQd", payload[:20])
            found.append(sequence)
            payload = payload[20 + length :]
    return found

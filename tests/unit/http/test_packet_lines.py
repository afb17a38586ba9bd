"""Packets as lines of JSON."""

from __future__ import annotations

import orjson
import pytest

from domain.delivery import Delivery
from domain.errors import DataTooLarge
from domain.packet import IncomingPacket
from entrypoints.http.packet_lines import delivery_of_lines
from entrypoints.http.problems import UnreadableBody
from entrypoints.http.structuring import MalformedBody

ONE, TWO = (b'{"sequence": %d, "data": "text", "timestamp": 1}' % sequence for sequence in (1, 2))
BOTH = Delivery("c-1", tuple(IncomingPacket("c-1", "main", sequence, 1, "text") for sequence in (1, 2)))


def refused(raw: bytes) -> UnreadableBody:
    with pytest.raises(UnreadableBody) as refusal:
        delivery_of_lines("c-1", raw)
    return refusal.value


@pytest.mark.parametrize(
    "raw",
    [
        ONE + b"\n" + TWO,
        ONE + b"\n" + TWO + b"\n",
        ONE + b"\r\n" + TWO + b"\r\n",
        ONE + b"\n" + TWO + b"\n \t",
        b"  " + ONE + b" \n\t" + TWO,
    ],
    ids=["no end", "newline", "CRLF", "white space after", "white space around"],
)
def test_lines_may_end_in_every_usual_way(raw: bytes) -> None:
    assert delivery_of_lines("c-1", raw) == BOTH


def test_lines_name_their_streams() -> None:
    line = orjson.dumps({"sequence": 1, "data": "", "timestamp": 1, "stream": "agent"})
    assert delivery_of_lines("c-1", ONE + b"\n" + line).streams == ("main", "agent")


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (b"\n" + ONE, 1),
        (ONE + b"\n\n" + TWO, 2),
        (ONE + b"\n\r\n" + TWO, 2),
        (ONE + b"\n" + TWO + b"\n\n", 3),
        (b"\n", 1),
    ],
)
def test_a_blank_line_that_is_not_the_end_is_refused(raw: bytes, line: int) -> None:
    refusal = refused(raw)
    assert (refusal.status, refusal.title) == (400, "Not JSON")
    assert refusal.detail.startswith(f"line {line}, ")


@pytest.mark.parametrize("raw", [b"", b" ", b"\r"])
def test_a_body_without_a_packet_is_refused(raw: bytes) -> None:
    assert (refused(raw).status, refused(raw).title) == (400, "No packets")


def test_what_is_no_json_is_named_by_line_and_column() -> None:
    assert refused(ONE + b"\n" + ONE[:13] + b"]").detail.startswith("line 2, column 14: ")


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_thousand_lines_are_taken_and_no_more(end: bytes) -> None:
    assert len(delivery_of_lines("c-1", b"\n".join([ONE] * 1_000) + end).packets) == 1_000
    assert refused(b"\n".join([ONE] * 1_001) + end).status == 413


def test_every_bad_field_is_named_after_its_line() -> None:
    raw = b"\n".join([ONE, b"[]", b'{"sequence": -1, "colour": 1}', TWO, b'{"sequence": 1}'])
    with pytest.raises(MalformedBody) as refusal:
        delivery_of_lines("c-1", raw)
    named = {error.path for error in refusal.value.errors}
    assert named == {"2", "3.sequence", "3.colour", "3.data", "3.timestamp", "5.data", "5.timestamp"}
    assert [error.path.split(".")[0] for error in refusal.value.errors] == sorted(
        error.path.split(".")[0] for error in refusal.value.errors
    )


def test_data_that_is_too_large_is_named_after_its_line() -> None:
    large = orjson.dumps({"sequence": 1, "data": "x" * 65_537, "timestamp": 1})
    with pytest.raises(DataTooLarge) as refusal:
        delivery_of_lines("c-1", ONE + b"\n" + large)
    assert refusal.value.field == "2.data"

"""Packets as newline-delimited JSON: one body, one delivery."""

from __future__ import annotations

from typing import Any, Final

import orjson

from domain.delivery import Delivery
from domain.errors import DataTooLarge, InvalidValue
from domain.packet import IncomingPacket
from entrypoints.http import wire
from entrypoints.http.problems import UnreadableBody
from entrypoints.http.structuring import MalformedBody, structure
from entrypoints.http.wire import FieldProblem

NDJSON: Final = "application/x-ndjson"
MAX_LINES: Final = 1_000
MAX_LINES_BYTES: Final = 4 * 1024 * 1024


def delivery_of_lines(call_id: str, raw: bytes) -> Delivery:
    """One packet for each line; only the last may be blank.

    Raises UnreadableBody; MalformedBody, with the path of each bad field after the number of its line,
    counted from 1; DataTooLarge.
    """
    lines = raw.split(b"\n")
    if lines[-1].strip() == b"":
        lines.pop()
    if len(lines) > MAX_LINES:
        raise UnreadableBody(413, "Too many lines", f"a body has at most {MAX_LINES} lines")
    if not lines:
        raise UnreadableBody(400, "No packets", "a body has a packet at least")
    packets: list[IncomingPacket] = []
    problems: list[FieldProblem] = []
    for number, line in enumerate(lines, start=1):
        try:
            packets.append(_packet(call_id, _json(number, line)))
        except MalformedBody as error:
            problems += [FieldProblem(path_in_line(number, bad.path), bad.detail) for bad in error.errors]
        except DataTooLarge as error:
            raise DataTooLarge(path_in_line(number, error.field), error.problem) from None
        except InvalidValue as error:
            problems.append(FieldProblem(path_in_line(number, error.field), error.problem))
    if problems:
        raise MalformedBody(problems)
    return Delivery(call_id, tuple(packets))


def path_in_line(number: int, path: str) -> str:
    """Where a field of a line is: ``3.sequence``."""
    return f"{number}.{path}" if path else str(number)


def _json(number: int, line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        where = f"line {number}, column {error.colno}"
        raise UnreadableBody(400, "Not JSON", f"{where}: {error.msg}") from None


def _packet(call_id: str, body: Any) -> IncomingPacket:
    packet = structure(body, wire.PacketRequest)
    return IncomingPacket(call_id, packet.stream, packet.sequence, packet.timestamp, packet.data)

"""Places in lists as opaque text, for `next` and `after`."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime

from application.ports import CallPosition, PacketPosition
from domain.call import CALL_ID
from domain.packet import MAX_SEQUENCE
from domain.stream_names import STREAM_NAME
from entrypoints.http.wire import FieldProblem, MalformedBody


def of_call(position: CallPosition) -> str:
    text = f"{position.started_at.isoformat()} {position.call_id}"
    return base64.urlsafe_b64encode(text.encode()).decode("ascii").rstrip("=")


def call_position(cursor: str) -> CallPosition:
    """Raises MalformedBody."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        started_at, call_id = base64.b64decode(padded, altchars=b"-_", validate=True).decode().split(" ")
        moment = datetime.fromisoformat(started_at)
        position = CallPosition(moment.astimezone(UTC), call_id)
    except (binascii.Error, ValueError, OverflowError):
        raise _no_cursor() from None
    if moment.tzinfo is None or not CALL_ID.fullmatch(call_id):
        raise _no_cursor()
    return position


def of_packet(position: PacketPosition) -> str:
    return f"{position.stream}/{position.sequence}"


def packet_position(cursor: str) -> PacketPosition:
    """Raises MalformedBody."""
    stream, _, sequence = cursor.partition("/")
    if not STREAM_NAME.fullmatch(stream) or not (sequence.isascii() and sequence.isdigit()):
        raise _no_cursor()
    if len(sequence) > 16 or int(sequence) > MAX_SEQUENCE:
        raise _no_cursor()
    return PacketPosition(stream, int(sequence))


def _no_cursor() -> MalformedBody:
    return MalformedBody([FieldProblem("after", "is not the `next` of an earlier page")])

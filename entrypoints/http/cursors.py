"""Places in lists as opaque text, for `next` and `after`."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime

from application.ports import CallPosition, PacketPosition, RefusalPosition
from domain.call import CALL_ID
from domain.packet import MAX_SEQUENCE
from domain.stream_names import STREAM_NAME
from entrypoints.http.structuring import MalformedBody
from entrypoints.http.wire import FieldProblem


def of_call(position: CallPosition) -> str:
    return _of_moment(position.started_at, position.call_id)


def call_position(cursor: str) -> CallPosition:
    """Raises MalformedBody."""
    return CallPosition(*_moment_and_id(cursor))


def of_refusal(position: RefusalPosition) -> str:
    return _of_moment(position.at, position.entry_id)


def refusal_position(cursor: str) -> RefusalPosition:
    """Raises MalformedBody."""
    return RefusalPosition(*_moment_and_id(cursor))


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


def _of_moment(moment: datetime, its_id: str) -> str:
    text = f"{moment.isoformat()} {its_id}"
    return base64.urlsafe_b64encode(text.encode()).decode("ascii").rstrip("=")


def _moment_and_id(cursor: str) -> tuple[datetime, str]:
    """An entry of the spool has an id of the same characters as a call."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        text, its_id = base64.b64decode(padded, altchars=b"-_", validate=True).decode().split(" ")
        moment = datetime.fromisoformat(text)
        in_utc = moment.astimezone(UTC)
    except (binascii.Error, ValueError, OverflowError):
        raise _no_cursor() from None
    if moment.tzinfo is None or not CALL_ID.fullmatch(its_id):
        raise _no_cursor()
    return in_utc, its_id


def _no_cursor() -> MalformedBody:
    return MalformedBody([FieldProblem("after", "is not the `next` of an earlier page")])

"""What was told is so at once: reads show what was acknowledged before, and no answer is a fault of ours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

from faults.history import Request
from faults.rules.packets import Key, Tried, packets_tried
from faults.violation import Violation

_UNAVAILABLE: Final = 503


def answer_violations(requests: Sequence[Request]) -> Iterator[Violation]:
    for request in requests:
        status, attempt = request.status, request.attempt
        if status is not None and status >= 500 and status != _UNAVAILABLE:
            yield Violation("internal_error", f"attempt {attempt.number} ({attempt.action}) got {status}")
    acknowledged: dict[str, list[Tried]] = defaultdict(list)
    for packet in packets_tried(requests):
        if packet.request.was_acknowledged:
            acknowledged[packet.key.call_id].append(packet)
    for request in requests:
        if request.attempt.action == "read":
            yield from _of_read(request, acknowledged[request.attempt.call_id])


def refused_writes(requests: Sequence[Request]) -> Iterator[Violation]:
    """For experiments that may cost no packet, init or completion more than time."""
    for request in requests:
        status, attempt = request.status, request.attempt
        if attempt.action != "read" and status is not None and status >= 500:
            yield Violation("write_refused", f"attempt {attempt.number} ({attempt.action}) got {status}")


def _of_read(read: Request, acknowledged: Sequence[Tried]) -> Iterator[Violation]:
    """What is spooled is shown only once it is in the database."""
    if read.outcome is None or not (read.was_acknowledged or read.was_refused):
        return
    shown = read.outcome.body if read.was_acknowledged else {}
    for packet in acknowledged:
        told_at_line = packet.request.answered_at_line
        told_before = told_at_line is not None and told_at_line < read.sent_at_line
        if told_before and not packet.request.is_spooled and not _shows(shown, packet.key):
            yield Violation("acknowledged_not_shown", f"{packet.key}, to attempt {read.attempt.number}")


def _shows(call: dict[str, Any], key: Key) -> bool:
    for stream in call.get("streams", ()):
        if stream["stream"] == key.stream:
            missing = any(first <= key.sequence <= last for first, last in stream["missing"])
            return key.sequence < stream["next_expected"] and not missing
    return False

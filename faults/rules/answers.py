"""What was told is so at once: reads show what was acknowledged before, and no answer is a fault of ours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

from faults.history import Request
from faults.rules.packets import Key, key_of
from faults.violation import Violation

_UNAVAILABLE: Final = 503


def answer_violations(requests: Sequence[Request]) -> Iterator[Violation]:
    acknowledged: dict[str, list[Request]] = defaultdict(list)
    for request in requests:
        status, attempt = request.status, request.attempt
        if status is not None and status >= 500 and status != _UNAVAILABLE:
            yield Violation("internal_error", f"attempt {attempt.number} ({attempt.action}) got {status}")
        if attempt.action == "packet" and request.was_acknowledged:
            acknowledged[attempt.call_id].append(request)
    for request in requests:
        if request.attempt.action == "read":
            yield from _of_read(request, acknowledged[request.attempt.call_id])


def _of_read(read: Request, acknowledged: Sequence[Request]) -> Iterator[Violation]:
    """What is spooled is shown only once it is in the database."""
    told_before = [
        request
        for request in acknowledged
        if request.answered_at_line is not None
        and request.answered_at_line < read.sent_at_line
        and not request.is_spooled
    ]
    if read.outcome is None or not (read.was_acknowledged or read.was_refused):
        return
    shown = read.outcome.body if read.was_acknowledged else {}
    for request in told_before:
        key = key_of(request)
        if not _shows(shown, key):
            yield Violation("acknowledged_not_shown", f"{key}, to attempt {read.attempt.number}")


def _shows(call: dict[str, Any], key: Key) -> bool:
    for stream in call.get("streams", ()):
        if stream["stream"] == key.stream:
            missing = any(first <= key.sequence <= last for first, last in stream["missing"])
            return key.sequence < stream["next_expected"] and not missing
    return False

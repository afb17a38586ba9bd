"""A stream counts what came again: all that was answered as that, and nothing that was not sent again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from faults.history import Request
from faults.observed import Observed
from faults.rules.packets import Key, packets_tried
from faults.violation import Violation


def duplicate_violations(requests: Sequence[Request], observed: Observed) -> Iterator[Violation]:
    """Where every answer was heard, and told of it, the two bounds are the same number."""
    yield from _of_answered(requests, observed)
    yield from _of_sent(requests, observed)


def _of_answered(requests: Sequence[Request], observed: Observed) -> Iterator[Violation]:
    """By call: the answer to a delivery of several streams does not say of which its duplicates are."""
    counted: Counter[str] = Counter()
    for stream in observed.streams:
        counted[stream.call_id] += stream.duplicates
    answered: Counter[str] = Counter()
    for request in requests:
        answered[request.attempt.call_id] += _answered_as_duplicates(request)
    for call_id, count in answered.items():
        if counted[call_id] < count:
            what = f"call {call_id!r} counts {counted[call_id]}, and {count} were answered"
            yield Violation("duplicates_not_counted", what)


def _answered_as_duplicates(request: Request) -> int:
    """A WebSocket is not told which of its packets were."""
    if request.outcome is None or not request.was_acknowledged:
        return 0
    body = request.outcome.body
    several: int = body.get("duplicates", 0)
    return several + (body.get("status") == "duplicate")


def _of_sent(requests: Sequence[Request], observed: Observed) -> Iterator[Violation]:
    """Of all attempts with the bytes that are stored one was the first."""
    sent: dict[Key, Counter[bytes | None]] = defaultdict(Counter)
    for tried in packets_tried(requests):
        sent[tried.key][tried.data] += 1
    sent_again: Counter[tuple[str, str]] = Counter()
    for packet in observed.packets:
        attempts = sent[Key(packet.call_id, packet.stream, packet.sequence)][packet.data]
        sent_again[packet.call_id, packet.stream] += max(0, attempts - 1)
    for stream in observed.streams:
        again = sent_again[stream.call_id, stream.stream]
        if stream.duplicates > again:
            what = f"stream {stream.stream!r} of call {stream.call_id!r}"
            yield Violation(
                "duplicates_made_up", f"{what} counts {stream.duplicates}, and {again} were sent again"
            )

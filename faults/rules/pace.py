"""Writes are answered, and calls archived, in the time that an experiment promises."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf

from faults.expected import Expected
from faults.history import Request
from faults.observed import Observed
from faults.violation import Violation


def pace_violations(
    requests: Sequence[Request], observed: Observed, expected: Expected
) -> Iterator[Violation]:
    if expected.answers_within_seconds is not None:
        yield from _answered_late(requests, expected.answers_within_seconds)
    if expected.archives_within_seconds is not None:
        yield from _archived_late(observed, expected.archives_within_seconds)


def answer_seconds(requests: Sequence[Request]) -> list[float]:
    """How long each acknowledged write waited for its answer."""
    return [
        request.outcome.at_seconds - request.attempt.at_seconds
        for request in requests
        if request.attempt.action != "read" and request.was_acknowledged and request.outcome is not None
    ]


def _answered_late(requests: Sequence[Request], within_seconds: float) -> Iterator[Violation]:
    for request in requests:
        attempt, outcome = request.attempt, request.outcome
        if attempt.action == "read":
            continue
        seconds = outcome.at_seconds - attempt.at_seconds if outcome else inf
        if request.status is None or seconds > within_seconds:
            answered = f"after {seconds:.1f} s" if request.status else "never"
            yield Violation("answered_late", f"attempt {attempt.number} ({attempt.action}): {answered}")


def _archived_late(observed: Observed, within_seconds: float) -> Iterator[Violation]:
    completed_at = {
        event.call_id: event.at_seconds for event in observed.events if event.event == "call_completed"
    }
    for event in observed.events:
        if event.event != "call_archived" or event.call_id not in completed_at:
            continue
        seconds = event.at_seconds - completed_at[event.call_id]
        if seconds > within_seconds:
            yield Violation("archived_late", f"call {event.call_id!r} took {seconds:.1f} s")

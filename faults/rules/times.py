"""The database's clock is the only one that a call's history knows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from faults.history import Request
from faults.observed import Observed, StoredEvent
from faults.violation import Violation


def time_violations(
    requests: Sequence[Request], observed: Observed, database_ahead_seconds: float
) -> Iterator[Violation]:
    first_tried_at: dict[str, float] = {}
    for request in requests:
        first_tried_at.setdefault(request.attempt.call_id, request.attempt.at_seconds)
    histories: dict[str, list[StoredEvent]] = defaultdict(list)
    for event in sorted(observed.events, key=lambda event: event.version):
        histories[event.call_id].append(event)
    for call_id, events in histories.items():
        for before, after in pairwise(events):
            if after.at_seconds < before.at_seconds:
                what = f"version {after.version} of call {call_id!r} is older than the one before"
                yield Violation("event_times_broken", what)
        tried_at = first_tried_at.get(call_id)
        if tried_at is not None and events[0].at_seconds < tried_at + database_ahead_seconds:
            yield Violation("event_before_its_cause", f"call {call_id!r} started before anyone asked for it")
        if events[-1].at_seconds > observed.at_seconds:
            yield Violation("event_in_the_future", f"the last of call {call_id!r}")

"""A run's number is its fence: once another has begun, or it has ended, it saves nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from faults.observed import Observed
from faults.violation import Violation

BEGINS: Final = "run_started"
ENDS: Final = frozenset({"call_archived", "call_failed", "run_failed"})


def fence_violations(observed: Observed) -> Iterator[Violation]:
    """By each call's history."""
    going_on: dict[str, int | None] = {}
    for event in sorted(observed.events, key=lambda event: (event.call_id, event.version)):
        if event.run is None:
            continue
        if event.event == BEGINS:
            going_on[event.call_id] = event.run
            continue
        if event.run != going_on.get(event.call_id):
            late = f"run {event.run} of call {event.call_id!r} wrote {event.event} at version {event.version}"
            yield Violation("superseded_run_saved", late)
        elif event.event in ENDS:
            going_on[event.call_id] = None

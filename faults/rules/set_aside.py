"""A call is set aside as poison only where three processes in a row ended while they worked on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from faults.history import Fault
from faults.observed import Observed, StoredEvent
from faults.violation import Violation

KILLS: Final = frozenset({"service killed", "worker killed"})
POISON: Final = "poison"
RUNS: Final = 3
"""As docs/decisions/0011-poison.md has it."""
_DYING_SECONDS: Final = 0.5
"""A kill is told just before it happens, and what is under way may still be committed."""


def set_aside_violations(faults: Sequence[Fault], observed: Observed) -> Iterator[Violation]:
    kills = [fault.at_seconds for fault in faults if fault.what in KILLS]
    histories: dict[str, list[StoredEvent]] = defaultdict(list)
    for event in sorted(observed.events, key=lambda event: event.version):
        histories[event.call_id].append(event)
    for call_id, events in histories.items():
        for place, event in enumerate(events):
            if event.reason == POISON and _killed_runs(events[: place + 1], kills) < RUNS:
                yield Violation("set_aside_without_kills", f"call {call_id!r} at version {event.version}")


def _killed_runs(events: Sequence[StoredEvent], kills: Sequence[float]) -> int:
    """Of the last runs before the last event, how many had a kill while they went on."""
    began = [event.at_seconds for event in events if event.event == "run_started"][-RUNS:]
    return sum(
        any(first - _DYING_SECONDS <= kill <= after for kill in kills)
        for first, after in pairwise([*began, events[-1].at_seconds])
    )

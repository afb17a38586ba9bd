"""No call lost or made up; a whole history over legal moves; archived in the end with its own words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from faults.history import Request
from faults.observed import Observed, StoredCall, StoredEvent
from faults.rules.packets import TEXT
from faults.violation import Violation

LEGAL_MOVES: Final[Mapping[str, frozenset[str]]] = {
    "IN_PROGRESS": frozenset({"COMPLETED"}),
    "COMPLETED": frozenset({"PROCESSING_AI"}),
    "PROCESSING_AI": frozenset({"PROCESSING_AI", "ARCHIVED", "FAILED"}),
    "ARCHIVED": frozenset({"PROCESSING_AI"}),
    "FAILED": frozenset({"PROCESSING_AI"}),
}
"""As the contract has them, written down again: a fault in the service's own table must show here.

An event may leave a call in PROCESSING_AI.
"""


def call_violations(
    requests: Sequence[Request], observed: Observed, may_fail_for: Collection[str] = ()
) -> Iterator[Violation]:
    """``may_fail_for`` are reasons for which a completed call may be FAILED."""
    of_call: dict[str, list[Request]] = defaultdict(list)
    for request in requests:
        if request.attempt.action != "read":
            of_call[request.attempt.call_id].append(request)
    history: dict[str, list[StoredEvent]] = defaultdict(list)
    for event in observed.events:
        history[event.call_id].append(event)
    calls = {call.call_id: call for call in observed.calls}
    for call_id, tried in of_call.items():
        if call_id not in calls and any(request.was_acknowledged for request in tried):
            yield Violation("call_lost", f"{call_id!r} was acknowledged and is not there")
    for call_id in history.keys() - calls.keys():
        yield Violation("events_without_call", repr(call_id))
    for call in calls.values():
        tried = of_call.get(call.call_id, [])
        if all(request.was_refused for request in tried):
            yield Violation(
                "call_never_started", f"{call.call_id!r} is there, and nobody was allowed to start it"
            )
        yield from _of_history(call, history[call.call_id])
        yield from _of_end(call, tried, may_fail_for)
    yield from _of_transcripts(observed)


def _of_history(call: StoredCall, events: Sequence[StoredEvent]) -> Iterator[Violation]:
    versions = sorted(event.version for event in events)
    if versions != list(range(1, len(events) + 1)):
        yield Violation("event_versions_broken", f"call {call.call_id!r} has versions {versions}")
        return
    events = sorted(events, key=lambda event: event.version)
    if not events or events[0].state != "IN_PROGRESS":
        yield Violation("illegal_transition", f"call {call.call_id!r} did not begin IN_PROGRESS")
        return
    for before, after in pairwise(events):
        if after.state not in LEGAL_MOVES.get(before.state, ()):
            move = f"{before.state} to {after.state} at version {after.version}"
            yield Violation("illegal_transition", f"call {call.call_id!r} went from {move}")
    if (call.state, call.version) != (events[-1].state, events[-1].version):
        row, last = f"{call.state} at version {call.version}", f"{events[-1].state} at {events[-1].version}"
        yield Violation(
            "state_differs_from_history", f"call {call.call_id!r} is {row}, its last event {last}"
        )


def _of_end(call: StoredCall, tried: Sequence[Request], may_fail_for: Collection[str]) -> Iterator[Violation]:
    completions = [request for request in tried if request.attempt.action == "complete"]
    if any(request.was_acknowledged for request in completions):
        if call.state != "ARCHIVED" and call.failure_reason not in may_fail_for:
            yield Violation("not_archived", f"call {call.call_id!r} was completed and is {call.state}")
    elif all(request.was_refused for request in completions) and call.state != "IN_PROGRESS":
        yield Violation("completed_by_nobody", f"call {call.call_id!r} is {call.state}")


def _of_transcripts(observed: Observed) -> Iterator[Violation]:
    """A text call's transcript is all that was stored of it: each stream in order, the streams by name."""
    pieces: dict[str, list[tuple[str, int, bytes]]] = defaultdict(list)
    for packet in observed.packets:
        pieces[packet.call_id].append((packet.stream, packet.sequence, packet.data))
    for call in observed.calls:
        if call.encoding != TEXT or call.transcript is None:
            continue
        streams: dict[str, bytes] = defaultdict(bytes)
        for stream, _, data in sorted(pieces[call.call_id]):
            streams[stream] += data
        if call.transcript != b"\n".join(streams.values()).decode():
            yield Violation("transcript_differs", f"call {call.call_id!r} has other words than its packets")

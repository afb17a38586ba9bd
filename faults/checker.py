"""Holds what was promised against what is there. Pure: a history and what was observed in, violations out.

The violations, by the file that has the rule::

    rules/packets.py       packet_lost, packet_bytes_differ, packet_never_sent, packet_stored_twice,
                           refused_packet_stored, stream_record_differs
    rules/duplicates.py    duplicates_not_counted, duplicates_made_up
    rules/calls.py         call_lost, call_never_started, events_without_call, event_versions_broken,
                           illegal_transition, state_differs_from_history, not_archived,
                           completed_by_nobody, transcript_differs
    rules/answers.py       acknowledged_not_shown, internal_error
    rules/ai_effects.py    effect_twice_under_one_key, effect_repeated_without_fault,
                           saved_step_paid_again, archived_without_effect
    rules/set_aside.py     set_aside_without_kills
    rules/times.py         event_times_broken, event_before_its_cause, event_in_the_future
    rules/pace.py          answered_late, archived_late, where an experiment says within what
    rules/fence.py         superseded_run_saved
    rules/spool.py         spool_not_empty, spooled_never_sent, refused_request_spooled
    here                   deadlock

An answer 202 that says ``"durability": "spooled"`` is an acknowledgement like every other, but where the
request is among those that were refused on replay: then it counts as refused. What lies in the spool in the
end is not lost, and is named as what was not replayed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from faults.expected import NOTHING_MORE, Expected
from faults.history import Record, Request, faults_of, requests_of
from faults.observed import Observed
from faults.rules.ai_effects import effect_violations, repetitions
from faults.rules.answers import answer_violations
from faults.rules.calls import call_violations
from faults.rules.duplicates import duplicate_violations
from faults.rules.fence import fence_violations
from faults.rules.pace import answer_seconds, pace_violations
from faults.rules.packets import packet_violations
from faults.rules.replay import with_refusals_on_replay
from faults.rules.set_aside import set_aside_violations
from faults.rules.spool import spool_violations, with_left_in_spool
from faults.rules.times import time_violations
from faults.violation import Violation


@attrs.frozen(kw_only=True)
class Figures:
    """How much was tried, so that a run that tried nothing shows."""

    requests: int
    acknowledged: int
    refused: int
    unavailable: int
    without_answer: int
    spooled: int
    slowest_answer_seconds: float
    """Of those writes that were acknowledged."""
    deadlocks: int
    packets_stored: int
    calls_archived: int
    calls_failed: int
    effects: int
    effects_repeated: int
    """Each of them after a fault that fell between the effect and its saving, or it is a violation."""


@attrs.frozen
class Verdict:
    violations: tuple[Violation, ...]
    figures: Figures

    @property
    def names(self) -> frozenset[str]:
        return frozenset(violation.name for violation in self.violations)


def check(records: Sequence[Record], observed: Observed, expected: Expected = NOTHING_MORE) -> Verdict:
    """Everything that is wrong, in no particular order."""
    told = requests_of(records)
    refused = with_refusals_on_replay(told, observed.spool_refusals)
    requests = with_left_in_spool(refused, observed.spooled)
    violations = (
        *packet_violations(requests, observed),
        *duplicate_violations(requests, observed),
        *call_violations(requests, observed, expected.may_fail_for),
        *answer_violations(requests),
        *effect_violations(faults_of(records), observed),
        *set_aside_violations(faults_of(records), observed),
        *time_violations(requests, observed, expected.database_ahead_seconds),
        *pace_violations(requests, observed, expected),
        *fence_violations(observed),
        *spool_violations(told, observed.spooled),
        *_deadlocks(observed),
    )
    return Verdict(violations, _figures(requests, observed))


def _deadlocks(observed: Observed) -> Iterator[Violation]:
    """Whoever is chosen to give way may spool or try again; that locks were taken in any order shows here."""
    if observed.deadlocks:
        yield Violation("deadlock", f"PostgreSQL had to resolve {observed.deadlocks}")


def _figures(requests: Sequence[Request], observed: Observed) -> Figures:
    effects = [request for request in observed.ai_requests if request.effect]
    return Figures(
        requests=len(requests),
        acknowledged=sum(request.was_acknowledged for request in requests),
        refused=sum(request.was_refused for request in requests),
        unavailable=sum(request.status == 503 for request in requests),
        without_answer=sum(request.status is None for request in requests),
        spooled=sum(request.is_spooled for request in requests),
        slowest_answer_seconds=max(answer_seconds(requests), default=0.0),
        deadlocks=observed.deadlocks,
        packets_stored=len(observed.packets),
        calls_archived=sum(call.state == "ARCHIVED" for call in observed.calls),
        calls_failed=sum(call.state == "FAILED" for call in observed.calls),
        effects=len(effects),
        effects_repeated=sum(1 for _ in repetitions(effects)),
    )

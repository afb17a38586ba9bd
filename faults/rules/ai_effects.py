"""Each step of the AI takes effect once, but for a fault between the effect and its saving.

What is saved is asked for by no run that begins after it. One that was frozen meanwhile does not know of its
successor until it saves, and may finish the step that it is at: long after the fault, if the AI fails first.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from faults.history import Fault
from faults.observed import AiRequest, Observed
from faults.rules.packets import TEXT
from faults.violation import Violation

ON_ITS_WAY_SECONDS: Final = 0.2
"""To the AI, which is as busy as the rest of the machine, before its own count begins."""
TAKEN_OVER_WITHIN_SECONDS: Final = 30
"""A worker that is silent for so long has lost its calls to others."""


def effect_violations(faults: Sequence[Fault], observed: Observed) -> Iterator[Violation]:
    effects = [request for request in observed.ai_requests if request.effect]
    for key, count in Counter(effect.key for effect in effects).items():
        if count > 1:
            yield Violation("effect_twice_under_one_key", f"{key!r} took effect {count} times")
    saved = saved_steps(observed)
    for earlier, later in repetitions(effects):
        if later.run > earlier.run and (earlier.call_id, earlier.run, _kind(earlier.step)) in saved:
            yield Violation("saved_step_paid_again", f"{later.key!r} after {earlier.key!r} was saved")
        elif not _is_explained(earlier, later, faults, observed.ai_requests):
            yield Violation("effect_repeated_without_fault", f"{later.key!r} after {earlier.key!r}")
    yield from _archived_without_effect(observed, effects)


def repetitions(effects: Sequence[AiRequest]) -> Iterator[tuple[AiRequest, AiRequest]]:
    """An effect and the next of the same step of the same call, under another run's key."""
    of_step: dict[tuple[str, str], list[AiRequest]] = defaultdict(list)
    for effect in effects:
        of_step[effect.call_id, effect.step].append(effect)
    for same in of_step.values():
        in_order = sorted(same, key=lambda effect: effect.answered_at_seconds)
        yield from ((one, next_) for one, next_ in pairwise(in_order) if one.key != next_.key)


def saved_steps(observed: Observed) -> set[tuple[str, int, str]]:
    """Call, run and kind of each step whose result the call's history says is saved."""
    kinds = {"call_transcribed": "transcription", "call_archived": "analysis"}
    return {
        (event.call_id, event.run, kinds[event.event])
        for event in observed.events
        if event.event in kinds and event.run is not None
    }


def _kind(step: str) -> str:
    return step.partition(":")[0]


def _is_explained(
    earlier: AiRequest, later: AiRequest, faults: Sequence[Fault], requests: Sequence[AiRequest]
) -> bool:
    """Faults that fell while the first was on its way or being answered count: no answer had arrived yet.

    Where either is of a run that was superseded by then, what took the call from that run counts.
    """
    since_seconds = earlier.answered_at_seconds - earlier.elapsed_seconds - ON_ITS_WAY_SECONDS
    if _is_superseded(earlier, requests) or _is_superseded(later, requests):
        since_seconds -= TAKEN_OVER_WITHIN_SECONDS
    return any(since_seconds <= fault.at_seconds <= later.answered_at_seconds for fault in faults)


def _is_superseded(effect: AiRequest, requests: Sequence[AiRequest]) -> bool:
    """Whether a later run of the call was at work before."""
    return any(
        request.call_id == effect.call_id
        and request.run > effect.run
        and request.answered_at_seconds < effect.answered_at_seconds
        for request in requests
    )


def _archived_without_effect(observed: Observed, effects: Sequence[AiRequest]) -> Iterator[Violation]:
    kinds = {(effect.call_id, _kind(effect.step)) for effect in effects}
    for call in observed.calls:
        if call.state != "ARCHIVED" or not call.transcript:
            continue
        needed = {"analysis"} if call.encoding == TEXT else {"transcription", "analysis"}
        for kind in sorted(needed):
            if (call.call_id, kind) not in kinds:
                yield Violation("archived_without_effect", f"call {call.call_id!r} had no {kind}")

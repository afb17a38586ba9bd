"""What happened to a call: past tense, frozen. The class's ``name`` is what history shows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum, unique
from typing import ClassVar

import attrs

from domain.analysis import FailureReason
from domain.call_state import CallState


@attrs.frozen
class CallEvent:
    name: ClassVar[str]


@attrs.frozen
class CallStarted(CallEvent):
    name = "call_started"


@unique
class CompletionReason(Enum):
    """Why a call counts as over."""

    REQUESTED = "requested"  # the PBX said so
    IDLE = "idle"  # no packet came for so long that its end never will


@attrs.frozen
class CallCompleted(CallEvent):
    name = "call_completed"
    reason: CompletionReason = CompletionReason.REQUESTED


@attrs.frozen
class RunStarted(CallEvent):
    name = "run_started"
    run: int


@attrs.frozen
class CallTranscribed(CallEvent):
    name = "call_transcribed"
    run: int


@attrs.frozen
class RunFailed(CallEvent):
    """A run gave up; the next is due at ``next_run_at``."""

    name = "run_failed"
    run: int
    detail: str
    next_run_at: datetime


@attrs.frozen
class CallArchived(CallEvent):
    name = "call_archived"
    run: int


@attrs.frozen
class CallFailed(CallEvent):
    name = "call_failed"
    run: int
    reason: FailureReason
    detail: str


@attrs.frozen
class ReprocessRequested(CallEvent):
    name = "reprocess_requested"


@attrs.frozen
class EventOfOtherRelease(CallEvent):
    """One that this release does not know, and another that writes to the same database does."""

    name = "event_of_other_release"
    its_name: str
    detail: Mapping[str, object]


@attrs.frozen
class RecordedEvent:
    """An event with its place in the call's history: versions run 1, 2, 3 …; ``state`` is what it led to."""

    version: int
    at: datetime
    state: CallState
    event: CallEvent

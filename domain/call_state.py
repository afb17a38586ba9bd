"""The states of a call and the one table of legal moves between them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, unique
from types import MappingProxyType
from typing import Final


@unique
class CallState(Enum):
    """Where a call stands. Each member names the moves that lead out of it."""

    IN_PROGRESS = "IN_PROGRESS"  # COMPLETED, when the PBX says so, or nothing at all for long
    COMPLETED = "COMPLETED"  # PROCESSING_AI, when the first run begins
    PROCESSING_AI = "PROCESSING_AI"  # ARCHIVED or FAILED, as the runs end
    ARCHIVED = "ARCHIVED"  # PROCESSING_AI, on request
    FAILED = "FAILED"  # PROCESSING_AI, on request


TRANSITIONS: Final[Mapping[CallState, frozenset[CallState]]] = MappingProxyType(
    {
        CallState.IN_PROGRESS: frozenset({CallState.COMPLETED}),
        CallState.COMPLETED: frozenset({CallState.PROCESSING_AI}),
        CallState.PROCESSING_AI: frozenset({CallState.ARCHIVED, CallState.FAILED}),
        CallState.ARCHIVED: frozenset({CallState.PROCESSING_AI}),
        CallState.FAILED: frozenset({CallState.PROCESSING_AI}),
    }
)

RECEIVING: Final = frozenset({CallState.IN_PROGRESS, CallState.COMPLETED})
"""States in which packets are still taken."""

AWAITING_AI: Final = frozenset({CallState.COMPLETED, CallState.PROCESSING_AI})
"""States in which work on the call is still owed, so that a job for it must exist."""

NEEDING_PACKETS: Final = RECEIVING | AWAITING_AI
"""States in which packets may still come, or are still to be transcribed."""

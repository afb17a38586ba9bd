"""What an experiment promises beyond what every one of them must keep."""

from __future__ import annotations

from typing import Final

import attrs


@attrs.frozen(kw_only=True)
class Expected:
    """``answers_within_seconds`` is for inits, packets and completions; to have none counts as late.

    ``archives_within_seconds`` counts from a call's completion, by the database's time. ``may_fail_for`` are
    reasons for which a completed call may be FAILED. ``database_ahead_seconds`` is how far the database's
    clock is put off.
    """

    answers_within_seconds: float | None = None
    archives_within_seconds: float | None = None
    may_fail_for: frozenset[str] = frozenset()
    database_ahead_seconds: float = 0.0


NOTHING_MORE: Final = Expected()

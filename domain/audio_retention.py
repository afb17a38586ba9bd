"""How long what was received of a call is kept."""

from __future__ import annotations

from datetime import date

import attrs


@attrs.frozen
class AudioRetention:
    """A call's packets, audio or text, are kept for ``days`` whole days after its start, and while needed.

    What was made of them is kept for ever: the call, its transcript, its analysis and its history.
    """

    days: int

    def is_over(self, call_day: date, today: date) -> bool:
        """Whether every call that started on ``call_day`` did so at least :attr:`days` days ago."""
        return (today - call_day).days > self.days

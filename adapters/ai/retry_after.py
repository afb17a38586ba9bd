"""The Retry-After header (RFC 9110, section 10.2.3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_SECONDS: Final = 24 * 3_600
"""What a service that asks for more gets."""

_SECONDS: Final = re.compile(r"[0-9]+(\.[0-9]*)?", re.ASCII)


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """How long the service asks to be left alone, from 0 to a day; None where it does not say.

    Takes seconds, with a fraction too as some services send it, or a date. What is neither, and a
    negative number, counts as not said.
    """
    if header is None:
        return None
    seconds = float(header) if _SECONDS.fullmatch(header.strip()) else _until(header, now)
    return None if seconds is None else min(max(0.0, seconds), LONGEST_SECONDS)


def answered_at(header: str | None) -> datetime:
    """The Date header's time, for a date of the same answer is by the same clock; without one, ours."""
    return (None if header is None else _date(header)) or datetime.now(UTC)


def _until(header: str, now: datetime) -> float | None:
    date = _date(header)
    return None if date is None else (date - now).total_seconds()


def _date(header: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date

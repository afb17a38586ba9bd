"""Answers while the database is away, and what became of what was spooled then.

They are like those of the contract, with ``durability`` and without what only the database knows.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import attrs
from msgspec import Meta

from domain.call_state import CallState
from entrypoints.http.wire import Gap


@attrs.frozen
class SpooledInitAnswer:
    """Durable, and to be carried out once the database is back."""

    status: Literal["started"]
    durability: Literal["spooled"]
    call_id: str
    state: CallState


@attrs.frozen
class SpooledPacketAnswer:
    """Durable. ``next_expected``, ``missing`` and whether it is a duplicate cannot be known yet."""

    status: Literal["accepted"]
    durability: Literal["spooled"]
    call_id: str
    stream: str
    sequence: int


@attrs.frozen
class SpooledDeliveryAnswer:
    """All of them are durable. Where the streams stand, and which are duplicates, cannot be known yet."""

    status: Literal["accepted"]
    durability: Literal["spooled"]
    call_id: str


@attrs.frozen
class SpooledCompleteAnswer:
    """Durable, and to be carried out once the database is back, if there is such a call then."""

    status: Literal["completed"]
    durability: Literal["spooled"]
    call_id: str
    state: CallState


@attrs.frozen
class SpooledPackets:
    """``sequences`` are closed ranges, first and last."""

    stream: str
    sequences: tuple[Gap, ...]


@attrs.frozen
class SocketSpooled:
    """These packets are durable; how their stream stands cannot be known yet."""

    spooled: SpooledPackets


What = Literal["init", "packets", "completion"]


@attrs.frozen
class SpoolRefusal:
    """It was acknowledged at ``spooled_at`` and refused ``at``.

    ``request`` has what was sent: ``media`` and ``metadata``, ``packets``, or ``final_sequence``.

    A packet's data is its ``text``, or ``raw`` in base64 where it was sent so.
    """

    entry_id: str
    at: datetime
    spooled_at: datetime
    what: What
    call_id: str
    reason: str
    detail: str
    request: dict[str, Any]


@attrs.frozen
class SpoolRefusalList:
    refusals: tuple[SpoolRefusal, ...]
    next: str | None


@attrs.frozen
class SpoolRefusalQuery:
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    after: Annotated[str, Meta(description="the `next` of the page before")] | None = None

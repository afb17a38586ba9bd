"""What is there in the end: the database's rows, and what the simulated AI was asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import inf, nan
from pathlib import Path
from typing import Any, Final

import asyncpg
import attrs
import orjson


@attrs.frozen
class StoredCall:
    """``transcript`` is its text, None before there is one; ``failure_reason`` is of a FAILED one."""

    call_id: str
    state: str
    version: int
    encoding: str
    transcript: str | None = None
    failure_reason: str | None = None


@attrs.frozen
class StoredStream:
    """``received`` holds closed ranges of sequences."""

    call_id: str
    stream: str
    received: tuple[tuple[int, int], ...]
    received_bytes: int
    duplicates: int = 0


@attrs.frozen
class StoredPacket:
    call_id: str
    stream: str
    sequence: int
    data: bytes


@attrs.frozen
class StoredEvent:
    """``state`` is what it led to; ``run`` that of the run which it tells of, if it tells of one.

    ``at_seconds`` is Unix time by the database's clock; not a number where nobody asked.
    """

    call_id: str
    version: int
    state: str
    event: str
    run: int | None = None
    at_seconds: float = nan
    reason: str | None = None
    """Why a call was completed, or FAILED."""


@attrs.frozen
class AiRequest:
    """A line of the simulated AI's ledger. ``effect``: this answer is one that a real service would bill."""

    key: str
    answered_at_seconds: float
    elapsed_seconds: float
    effect: bool

    @property
    def call_id(self) -> str:
        return self.key.split(":")[0]

    @property
    def run(self) -> int:
        return int(self.key.split(":")[1])

    @property
    def step(self) -> str:
        """The part of the work, whichever run asked for it."""
        return ":".join(self.key.split(":")[2:])


@attrs.frozen
class SpoolRefusal:
    """A spooled request that was refused on replay; ``entry`` as the service keeps it."""

    call_id: str
    entry: dict[str, Any]


@attrs.frozen
class SpooledEntry:
    """What was spooled and never replayed; ``entry`` in the form of a :class:`SpoolRefusal`'s."""

    call_id: str
    entry: dict[str, Any]


@attrs.frozen(kw_only=True)
class Observed:
    """``at_seconds`` is when, by the database's clock; ``deadlocks`` how many PostgreSQL had to resolve."""

    calls: Sequence[StoredCall] = ()
    streams: Sequence[StoredStream] = ()
    packets: Sequence[StoredPacket] = ()
    events: Sequence[StoredEvent] = ()
    spool_refusals: Sequence[SpoolRefusal] = ()
    spooled: Sequence[SpooledEntry] = ()
    ai_requests: Sequence[AiRequest] = ()
    at_seconds: float = inf
    deadlocks: int = 0


_NOW: Final = "SELECT extract(epoch FROM clock_timestamp())::float8"
_DEADLOCKS: Final = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


async def observe(database_url: str, ai_ledger: Path, spooled: Sequence[SpooledEntry] = ()) -> Observed:
    """All tables in one snapshot, each row as it stands; ``spooled`` is what was found in the spool."""
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return Observed(
                calls=await _calls(connection),
                streams=await _streams(connection),
                packets=await _packets(connection),
                events=await _events(connection),
                spool_refusals=await _spool_refusals(connection),
                spooled=spooled,
                ai_requests=read_ai_ledger(ai_ledger),
                at_seconds=await connection.fetchval(_NOW),
                deadlocks=await connection.fetchval(_DEADLOCKS),
            )
    finally:
        await connection.close()


async def states_of_calls(database_url: str) -> dict[str, str]:
    """By call id."""
    connection = await asyncpg.connect(database_url)
    try:
        return {
            row["call_id"]: row["state"] for row in await connection.fetch("SELECT call_id, state FROM calls")
        }
    finally:
        await connection.close()


async def calls_set_aside(database_url: str) -> list[str]:
    """The ids of those that are FAILED as poison now."""
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch("SELECT call_id FROM calls WHERE failure_reason = 'poison'")
        return [row["call_id"] for row in rows]
    finally:
        await connection.close()


def read_ai_ledger(path: Path) -> list[AiRequest]:
    """Those of its lines that tell of work on a call, in order."""
    lines = [orjson.loads(line) for line in path.read_bytes().split(b"\n")[:-1]] if path.exists() else []
    return [
        AiRequest(
            line["idempotency_key"],
            datetime.fromisoformat(line["at"]).timestamp(),
            line["elapsed_seconds"],
            line["effect"],
        )
        for line in lines
        if line["idempotency_key"]
    ]


async def _calls(connection: asyncpg.Connection) -> list[StoredCall]:
    rows = await connection.fetch(
        "SELECT call_id, state, version, encoding, transcript ->> 'text' AS transcript, failure_reason"
        " FROM calls"
    )
    return [StoredCall(*row) for row in rows]


async def _streams(connection: asyncpg.Connection) -> list[StoredStream]:
    rows = await connection.fetch("SELECT call_id, stream, received, received_bytes, duplicates FROM streams")
    return [
        StoredStream(
            row["call_id"],
            row["stream"],
            tuple((part.lower, part.upper - 1) for part in row["received"]),  # PostgreSQL's end is open
            row["received_bytes"],
            row["duplicates"],
        )
        for row in rows
    ]


async def _packets(connection: asyncpg.Connection) -> list[StoredPacket]:
    rows = await connection.fetch("SELECT call_id, stream, sequence, data FROM packets")
    return [StoredPacket(*row) for row in rows]


async def _events(connection: asyncpg.Connection) -> list[StoredEvent]:
    rows = await connection.fetch(
        "SELECT call_id, version, state, event, (detail ->> 'run')::integer AS run,"
        " extract(epoch FROM at)::float8 AS at_seconds, detail ->> 'reason' AS reason"
        " FROM call_events ORDER BY call_id, version"
    )
    return [StoredEvent(*row) for row in rows]


async def _spool_refusals(connection: asyncpg.Connection) -> list[SpoolRefusal]:
    rows = await connection.fetch("SELECT call_id, entry FROM spool_refusals")
    return [SpoolRefusal(row["call_id"], orjson.loads(row["entry"])) for row in rows]

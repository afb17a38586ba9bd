"""Packets lie in partitions, one for each day, UTC, on which their calls started.

That day never changes, so all of a call lies in one partition. None is the default one, and none is ever
deleted from: they are made ahead, and dropped whole. Inserts wait for neither.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import asyncpg
import attrs

from adapters.postgres.pool import ACQUIRE_SECONDS, Connection
from adapters.postgres.trouble import nothing_stored
from application.errors import StorageUnavailable
from domain.call_state import CallState

_LOCK_TO_PREPARE: Final = 0x7072657061726564  # any two numbers that all processes share
_LOCK_TO_DROP: Final = 0x64726F70646179
_DROP_SECONDS: Final = 25
"""A day's files can be large, and some file systems take their time to remove such."""

TODAY: Final = "SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date"

PARTITIONS: Final = r"""
    SELECT to_date(right(relname, 8), 'YYYYMMDD') AS day,
        CASE WHEN inhdetachpending THEN 'leaving' WHEN inhdetachpending IS NULL THEN 'apart'
            ELSE 'attached' END AS standing
    FROM pg_class LEFT JOIN pg_inherits ON inhrelid = oid AND inhparent = 'packets'::regclass
    WHERE relkind = 'r' AND relname ~ '^packets_\d{8}$'
    AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'packets'::regclass)
    ORDER BY day
"""

# Attaching takes no lock that an insert would wait for; CREATE TABLE ... PARTITION OF would.
MAKE: Final = (
    "CREATE TABLE {table} (LIKE packets INCLUDING ALL)",
    "ALTER TABLE packets ATTACH PARTITION {table} FOR VALUES FROM ('{day}') TO ('{next_day}')",
)

# Held by a connection of its own, for detaching concurrently needs one without a transaction; and without
# parameters, for asyncpg's cursors stay open in a transaction, with a snapshot that detaching would wait for.
BE_THE_ONLY_ONE: Final = (
    f"SET LOCAL lock_timeout = '100ms'; SELECT pg_advisory_xact_lock({_LOCK_TO_DROP})"  # a number
)

STATES: Final = """
    SELECT DISTINCT state FROM calls
    WHERE state = ANY($1::text[]) AND started_at >= $2 AND started_at < $3
"""


class DayMissing(Exception):
    """There is no partition for one of these days; nothing was stored."""

    def __init__(self, days: Collection[date]) -> None:
        super().__init__(", ".join(sorted(map(str, days))))
        self.days = days


def day_of(started_at: datetime) -> date:
    """Where the packets of a call lie that started then."""
    return started_at.astimezone(UTC).date()


@contextmanager
def day_missing(days: Collection[date]) -> Iterator[None]:
    """Around an insert into packets. Raises DayMissing where PostgreSQL finds no partition for a row."""
    try:
        yield
    except asyncpg.CheckViolationError as error:
        if error.constraint_name is not None:
            raise
        raise DayMissing(days) from error


@attrs.frozen
class PostgresPacketDays:
    """Implements PacketDays."""

    _pool: asyncpg.Pool

    async def today(self) -> date:
        with nothing_stored():
            today: date = await self._pool.fetchval(TODAY)
        return today

    async def prepare(self, days: Collection[date]) -> None:
        with _no_change():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                if await _missing(connection, days):
                    await _make(connection, days)

    async def kept(self) -> Sequence[date]:
        with nothing_stored():
            return [row["day"] for row in await self._pool.fetch(PARTITIONS)]

    async def states_of_calls(self, day: date, among: Collection[CallState]) -> set[CallState]:
        begin = datetime.combine(day, time(), UTC)
        with nothing_stored():
            rows = await self._pool.fetch(
                STATES, [state.value for state in among], begin, begin + timedelta(days=1)
            )
        return {CallState(row["state"]) for row in rows}

    async def drop(self, day: date) -> bool:
        with _no_change():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as guard, guard.transaction():
                try:
                    await guard.execute(BE_THE_ONLY_ONE)
                except asyncpg.LockNotAvailableError:
                    return False
                async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                    return await _drop(connection, day)


async def _missing(connection: Connection, days: Collection[date]) -> list[date]:
    there = {row["day"] for row in await connection.fetch(PARTITIONS) if row["standing"] == "attached"}
    return sorted(set(days) - there)


async def _make(connection: Connection, days: Collection[date]) -> None:
    async with connection.transaction():
        await connection.execute("SET LOCAL lock_timeout = '2s'")
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK_TO_PREPARE)
        for day in await _missing(connection, days):  # another process may have been faster
            for statement in MAKE:
                await connection.execute(
                    statement.format(table=_table(day), day=day, next_day=day + timedelta(days=1))
                )


async def _drop(connection: Connection, day: date) -> bool:
    """Go on from wherever a process that was killed at it had come to."""
    standings = {row["day"]: row["standing"] for row in await connection.fetch(PARTITIONS)}
    table = _table(day)
    match standings.get(day):
        case None:
            return False
        case "attached":
            await connection.execute(f"ALTER TABLE packets DETACH PARTITION {table} CONCURRENTLY")
        case "leaving":
            await connection.execute(f"ALTER TABLE packets DETACH PARTITION {table} FINALIZE")
    await connection.execute(f"DROP TABLE {table}", timeout=_DROP_SECONDS)
    return True


def _table(day: date) -> str:
    return f"packets_{day:%Y%m%d}"


@contextmanager
def _no_change() -> Iterator[None]:
    """Whatever stands in the way of a change to the tables, it counts as the storage's trouble."""
    try:
        with nothing_stored():
            yield
    except asyncpg.PostgresError as error:
        raise StorageUnavailable from error

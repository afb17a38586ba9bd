"""The history of all calls as one feed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

import asyncpg
import attrs

from adapters.postgres.call_reader import CALLS_BY_STATE, STREAMS
from adapters.postgres.call_rows import call_from_row, event_from_row, with_streams
from adapters.postgres.feed_places import ChangeKey, NoPlace, Place, Snapshot
from adapters.postgres.lanes import lane_of
from adapters.postgres.pages import page_of_calls
from adapters.postgres.pool import ACQUIRE_SECONDS, Connection
from adapters.postgres.trouble import nothing_stored
from application.feed_ports import Change, Moment
from application.ports import Wanted
from domain.call import Call
from domain.call_state import CallState

# The storage's name: another wherever the numbers of transactions may mean others. In another server or
# database, even if a dump or a template brought the installation's id there; after a restore to an earlier
# time, which begins a timeline; where the table was made or emptied anew, as for a dump that is put back; and
# after a crash, for numbers that were not flushed are given again, on the same timeline. A crash takes the
# statistics with it, and so can be told by them.
HERE: Final = """
    SELECT pg_current_snapshot()::text AS snapshot, clock_timestamp() AS at, left(md5(concat_ws('/',
        (SELECT id FROM installation),
        (SELECT system_identifier FROM pg_control_system()),
        left(pg_walfile_name(pg_current_wal_lsn()), 8),
        (SELECT oid FROM pg_database WHERE datname = current_database()),
        pg_relation_filenode('call_events'),
        (SELECT extract(epoch FROM stats_reset) FROM pg_stat_bgwriter)
    )), 12) AS storage
"""

# What is not visible in a snapshot was written by a transaction that was running then, or that began later:
# both are found by the index, and nothing else is read. `before` has the state that an event found.
CHANGES: Final = """
    SELECT new.lane, new.call_id, new.version, new.at, new.state, new.event, new.detail, (
        SELECT state FROM call_events AS before
        WHERE before.lane = new.lane AND before.call_id = new.call_id AND before.version = new.version - 1
    ) AS state_before
    FROM (
        (SELECT * FROM call_events
        WHERE transaction_id = ANY($1::text[]::xid8[])
        AND pg_visible_in_snapshot(transaction_id, $5::text::pg_snapshot)
        LIMIT $4)
        UNION ALL
        (SELECT * FROM call_events
        WHERE transaction_id >= $2::text::xid8 AND transaction_id < $3::text::xid8
        AND pg_visible_in_snapshot(transaction_id, $5::text::pg_snapshot)
        ORDER BY transaction_id LIMIT $4)
    ) AS new
    LIMIT $4
"""

# A dump brings the transactions of the server that it was taken from. Here others will have these numbers.
FORGET_TRANSACTIONS_TO_COME: Final = """
    UPDATE call_events SET transaction_id = NULL
    WHERE transaction_id >= pg_snapshot_xmax(pg_current_snapshot())
"""

Row = asyncpg.Record


@attrs.frozen
class PostgresCallChanges:
    """Implements CallChanges."""

    _pool: asyncpg.Pool

    async def moment(self, after: str | None, most: int, count: bool, live: int) -> Moment:
        async with self._one_moment() as connection:
            here = await connection.fetchrow(HERE)
            assert here is not None, "it always has a row"
            now = Place(here["storage"], Snapshot.parse(here["snapshot"]))
            rows = await _rows_since(connection, _place(after, now), now, most) if after else []
            counts = await connection.fetch(CALLS_BY_STATE) if count else None
            calls = await _live(connection, live) if live else None
        return Moment(str(now), here["at"], None if rows is None else _changes(rows), _counts(counts), calls)

    async def between(self, after: str, until: str, most: int) -> Sequence[Change] | None:
        goal = Place.parse(until)
        start = _place(after, goal)
        if start is None:
            return None
        async with self._one_moment() as connection:
            rows = await _rows_since(connection, start, goal, most)
        return None if rows is None else _changes(rows)

    async def forget_other_servers(self) -> None:
        """To be done before anybody reads: what a restored dump brought is history, and never news."""
        with nothing_stored():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                await connection.execute(FORGET_TRANSACTIONS_TO_COME)

    @asynccontextmanager
    async def _one_moment(self) -> AsyncIterator[Connection]:
        """A transaction that sees one snapshot throughout. Who gives up on it waits no longer."""
        with nothing_stored():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                try:
                    await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    yield connection
                    await connection.execute("COMMIT")
                except BaseException:  # to roll back could take as long as what went wrong
                    with suppress(asyncpg.InterfaceError):  # it was lost before
                        connection.terminate()
                    raise


PlacedRow = tuple[Place, Row]


def _place(text: str | None, now: Place) -> Place | None:
    """None for what is no place of this storage, or of a time that it has not seen."""
    if text is None:
        return None
    try:
        place = Place.parse(text)
    except NoPlace:
        return None
    return place if place.storage == now.storage and place.end <= now.end else None


async def _rows_since(
    connection: Connection, start: Place | None, goal: Place, most: int
) -> list[PlacedRow] | None:
    """The rest of the batch that ``start`` is in, and then another batch. None where they are too many."""
    if start is None:
        return None
    rest: list[PlacedRow] = []
    told = start.told
    if start.batch is not None:
        begun = await _batch(connection, start.storage, start.told, start.batch, most)
        if begun is None:
            return None
        rest = [(place, row) for place, row in begun if start.last is None or _key(row) > start.last]
        told = start.batch
    following = await _batch(connection, start.storage, told, goal.told, most)
    return None if following is None else rest + following


async def _batch(
    connection: Connection, storage: str, told: Snapshot, upper: Snapshot, most: int
) -> list[PlacedRow] | None:
    """What is visible in ``upper`` and not in ``told``, in order. None where it is too much."""
    rows = await connection.fetch(
        CHANGES, [str(number) for number in told.running], str(told.end), str(upper.end), most + 1, upper.text
    )
    if len(rows) > most:
        return None
    rows.sort(key=_key)
    placed = [(Place(storage, told, upper, _key(row)), row) for row in rows[:-1]]
    return placed + [(Place(storage, upper), row) for row in rows[-1:]]


def _key(row: Row) -> ChangeKey:
    return row["lane"], row["call_id"], row["version"]


def _changes(rows: Sequence[PlacedRow]) -> list[Change]:
    return [
        Change(
            str(place),
            row["call_id"],
            event_from_row(row),
            CallState(row["state_before"]) if row["state_before"] is not None else None,
        )
        for place, row in rows
    ]


async def _live(connection: Connection, most: int) -> Sequence[Call]:
    statement, values = page_of_calls(Wanted(CallState.IN_PROGRESS), None, most)
    rows = await connection.fetch(statement, *values)
    ids = [row["call_id"] for row in rows]
    lanes = sorted({lane_of(call_id) for call_id in ids})
    streams = await connection.fetch(STREAMS, lanes, ids)
    return list(with_streams((call_from_row(row) for row in rows), streams).values())


def _counts(rows: Sequence[Row] | None) -> Mapping[CallState, int] | None:
    if rows is None:
        return None
    found = {CallState(row["state"]): row["calls"] for row in rows}
    return {state: found.get(state, 0) for state in CallState}

"""The history of all calls as one feed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
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
from application.feed_ports import Change, CountedCalls, Moment
from application.ports import Wanted
from application.turns import in_turns
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

COUNT_ON: Final = f"""
    SELECT told.state_before, told.state, count(*) AS changes FROM ({CHANGES}) AS told
    GROUP BY told.state_before, told.state
"""  # noqa: S608 # a constant

# A dump brings the transactions of the server that it was taken from. Here others will have these numbers.
FORGET_TRANSACTIONS_TO_COME: Final = """
    UPDATE call_events SET transaction_id = NULL
    WHERE transaction_id >= pg_snapshot_xmax(pg_current_snapshot())
"""

BEGIN: Final = """
    BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = {milliseconds}
"""

STATEMENT_SECONDS: Final = 2.0
COUNT_SECONDS: Final = 120.0
"""Some 20 million calls are counted in two."""

Row = asyncpg.Record


@attrs.frozen
class PostgresCallChanges:
    """Implements CallChanges."""

    _pool: asyncpg.Pool

    async def moment(self, after: str | None, most_changes: int, most_live: int) -> Moment:
        async with self._one_moment(STATEMENT_SECONDS) as connection:
            now, at = await _here(connection)
            rows = await _rows_since(connection, _place(after, now), now, most_changes) if after else []
            live = await _live(connection, most_live) if most_live else None
        return Moment(
            str(now),
            at,
            None if rows is None else await _changes(rows),
            None if live is None else await _calls(*live),
        )

    async def between(self, after: str, until: str, most_changes: int) -> Sequence[Change] | None:
        goal = Place.parse(until)
        start = _place(after, goal)
        if start is None:
            return None
        async with self._one_moment(STATEMENT_SECONDS) as connection:
            rows = await _rows_since(connection, start, goal, most_changes)
        return None if rows is None else await _changes(rows)

    async def count(self) -> CountedCalls:
        async with self._one_moment(COUNT_SECONDS) as connection:
            now, _ = await _here(connection)
            rows = await connection.fetch(CALLS_BY_STATE, timeout=COUNT_SECONDS)
        found = {CallState(row["state"]): row["calls"] for row in rows}
        return CountedCalls(str(now), {state: found.get(state, 0) for state in CallState})

    async def count_on(self, counted: CountedCalls, until: str, most_changes: int) -> CountedCalls | None:
        goal = Place.parse(until)
        start = _place(counted.place, goal)
        if start is None:
            return None
        async with self._one_moment(STATEMENT_SECONDS) as connection:
            rows = await connection.fetch(COUNT_ON, *_range(start.told, goal.told, most_changes + 1))
        if sum(row["changes"] for row in rows) > most_changes:
            return None
        by_state = dict(counted.by_state)
        for row in rows:
            if row["state_before"] is not None:
                by_state[CallState(row["state_before"])] -= row["changes"]
            by_state[CallState(row["state"])] += row["changes"]
        return CountedCalls(until, by_state)

    async def forget_other_servers(self) -> None:
        """To be done before anybody reads: what a restored dump brought is history, and never news."""
        with nothing_stored():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                await connection.execute(FORGET_TRANSACTIONS_TO_COME)

    @asynccontextmanager
    async def _one_moment(self, statement_seconds: float) -> AsyncIterator[Connection]:
        """A transaction that sees one snapshot throughout. Who gives up on it waits no longer.

        The server gives up on a statement by itself: it does not hear of a connection that is terminated
        before it has something to answer.
        """
        with nothing_stored():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                try:
                    await connection.execute(BEGIN.format(milliseconds=round(1000 * statement_seconds)))
                    yield connection
                    await connection.execute("COMMIT")
                except BaseException:  # to roll back could take as long as what went wrong
                    with suppress(asyncpg.InterfaceError):  # it was lost before
                        connection.terminate()
                    raise


PlacedRow = tuple[Place, Row]


async def _here(connection: Connection) -> tuple[Place, datetime]:
    here = await connection.fetchrow(HERE)
    assert here is not None, "it always has a row"
    return Place(here["storage"], Snapshot.parse(here["snapshot"])), here["at"]


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
    rows = await connection.fetch(CHANGES, *_range(told, upper, most + 1))
    if len(rows) > most:
        return None
    rows.sort(key=_key)
    placed = [(Place(storage, told, upper, _key(row)), row) for row in rows[:-1]]
    return placed + [(Place(storage, upper), row) for row in rows[-1:]]


def _range(told: Snapshot, upper: Snapshot, most: int) -> tuple[object, ...]:
    """The values of CHANGES."""
    return [str(number) for number in told.running], str(told.end), str(upper.end), most, upper.text


def _key(row: Row) -> ChangeKey:
    return row["lane"], row["call_id"], row["version"]


async def _changes(rows: Sequence[PlacedRow]) -> list[Change]:
    return [
        Change(
            str(place),
            row["call_id"],
            event_from_row(row),
            CallState(row["state_before"]) if row["state_before"] is not None else None,
        )
        async for place, row in in_turns(rows)
    ]


async def _live(connection: Connection, most: int) -> tuple[Sequence[Row], Sequence[Row]]:
    """Rows of calls, and of their streams."""
    statement, values = page_of_calls(Wanted(CallState.IN_PROGRESS), None, most)
    calls = await connection.fetch(statement, *values)
    ids = [row["call_id"] for row in calls]
    lanes = sorted({lane_of(call_id) for call_id in ids})
    return calls, await connection.fetch(STREAMS, lanes, ids)


async def _calls(call_rows: Sequence[Row], stream_rows: Sequence[Row]) -> Sequence[Call]:
    streams: dict[str, list[Row]] = defaultdict(list)
    for row in stream_rows:
        streams[row["call_id"]].append(row)
    calls = [call_from_row(row) async for row in in_turns(call_rows)]
    async for call in in_turns(calls):
        with_streams([call], streams[call.call_id])
    return calls

"""The calls of one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Final

import attrs

from adapters.postgres.call_rows import (
    CALL_COLUMNS,
    call_from_row,
    event_detail,
    multirange,
    values_at_start,
    values_that_change,
    with_streams,
)
from adapters.postgres.lanes import lane_of
from adapters.postgres.packet_days import day_of
from adapters.postgres.pool import Connection
from adapters.postgres.trouble import nothing_stored
from application.errors import CallStartedElsewhere
from domain.audio_stream import AudioStream
from domain.call import Call
from domain.events import RecordedEvent

LOCK_CALLS: Final = f"""
    SELECT {CALL_COLUMNS} FROM calls
    WHERE lane = ANY($1::smallint[]) AND call_id = ANY($2::text[])
    ORDER BY lane, call_id
    FOR UPDATE
"""  # noqa: S608 # the columns are a constant

# The left join answers a row, and so the time, even where there is no stream.
STREAMS_AND_TIME: Final = """
    SELECT clock_timestamp() AS at, call_id, stream, received, received_bytes, duplicates, last_packet_at
    FROM (VALUES (1)) AS always LEFT JOIN streams
    ON lane = ANY($1::smallint[]) AND call_id = ANY($2::text[])
"""

INSERT_CALL: Final = """
    INSERT INTO calls
        (lane, call_id, state, encoding, sample_rate_hz, channels, metadata, started_at, version)
    SELECT * FROM unnest($1::smallint[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::smallint[],
                         $7::jsonb[], $8::timestamptz[], $9::integer[])
    ON CONFLICT (lane, call_id) DO NOTHING
"""

UPDATE_CALL: Final = """
    UPDATE calls SET state = $3, completed_at = $4, archived_at = $5, final_sequences = $6::jsonb,
        next_run_at = $7, runs = $8, failed_runs = $9, abandoned_runs = $10, transcript = $11::jsonb,
        transcript_is_current = $12, partial_transcripts = $13::jsonb, analysis = $14::jsonb,
        failure_reason = $15, failure_detail = $16, version = $17
    WHERE lane = $1 AND call_id = $2
"""

SAVE_STREAMS: Final = """
    INSERT INTO streams (lane, call_id, stream, received, received_bytes, duplicates, last_packet_at)
    SELECT lane, call_id, stream, received::int8multirange, received_bytes, duplicates, last_packet_at
    FROM unnest($1::smallint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[],
                $7::timestamptz[])
        AS changed (lane, call_id, stream, received, received_bytes, duplicates, last_packet_at)
    ON CONFLICT (lane, call_id, stream) DO UPDATE SET received = excluded.received,
        received_bytes = excluded.received_bytes, duplicates = excluded.duplicates,
        last_packet_at = excluded.last_packet_at
"""

INSERT_EVENTS: Final = """
    INSERT INTO call_events (lane, call_id, version, at, state, event, detail)
    SELECT * FROM unnest($1::smallint[], $2::text[], $3::integer[], $4::timestamptz[], $5::text[], $6::text[],
                         $7::jsonb[])
"""

# The newest packet is asked for call by call: to join with streams, PostgreSQL might read all of them.
SILENT_SINCE: Final = """
    SELECT call_id FROM calls
    WHERE state = 'IN_PROGRESS' AND started_at <= $1 AND coalesce((
        SELECT max(last_packet_at) FROM streams
        WHERE streams.lane = calls.lane AND streams.call_id = calls.call_id
    ), started_at) <= $1
    ORDER BY started_at, call_id LIMIT $2
"""


@attrs.define(eq=False)
class PostgresCallRepository:
    """Implements CallRepository; what did not change since it was locked is not written again."""

    _connection: Connection
    _rows: dict[str, tuple[object, ...]] = attrs.field(factory=dict, init=False)
    _counts: dict[tuple[str, str], tuple[int, int]] = attrs.field(factory=dict, init=False)
    """Of each stream, as it was locked: how many packets, and how many duplicates."""
    locked_at: datetime | None = attrs.field(default=None, init=False)
    """The database's time once the latest locks were held."""
    days: dict[str, date] = attrs.field(factory=dict, init=False)
    """Where the packets of the calls lie that were locked or are new."""

    async def lock(self, call_ids: Collection[str]) -> dict[str, Call]:
        ids = list(call_ids)
        lanes = sorted({lane_of(call_id) for call_id in ids})
        with nothing_stored():
            rows = await self._connection.fetch(LOCK_CALLS, lanes, ids)
            stream_rows = await self._connection.fetch(STREAMS_AND_TIME, lanes, ids)
        self.locked_at = stream_rows[0]["at"]
        calls = with_streams((call_from_row(row) for row in rows), stream_rows)
        for call in calls.values():
            self._rows[call.call_id] = _what_changes(call)
            self.days[call.call_id] = day_of(call.started_at)
            for name, stream in call.streams.items():
                self._counts[call.call_id, name] = _counts(stream)
        return calls

    async def save(self, calls: Collection[Call]) -> None:
        in_order = sorted(calls, key=lambda call: (lane_of(call.call_id), call.call_id))
        new = [call for call in in_order if call.call_id not in self._rows]
        known = [call for call in in_order if call.call_id in self._rows]
        with nothing_stored():
            if new:
                await self._insert(new)
            for call in [*new, *known]:
                if _what_changes(call) != self._rows[call.call_id]:
                    await self._update(call)
            await self._save_streams(in_order)
            await self._save_events(in_order)

    async def silent_since(self, at: datetime, most: int) -> list[str]:
        with nothing_stored():
            rows = await self._connection.fetch(SILENT_SINCE, at, most)
        return [row["call_id"] for row in rows]

    async def _insert(self, calls: list[Call]) -> None:
        rows = [
            (lane_of(call.call_id), call.call_id, "IN_PROGRESS", *values_at_start(call), 1) for call in calls
        ]
        status = await self._connection.execute(INSERT_CALL, *_columns(rows))
        if status != f"INSERT 0 {len(calls)}":
            raise CallStartedElsewhere
        for call in calls:
            self.days[call.call_id] = day_of(call.started_at)
            self._rows[call.call_id] = _what_changes(Call.start(call.call_id, call.started_at))

    async def _update(self, call: Call) -> None:
        await self._connection.execute(
            UPDATE_CALL, lane_of(call.call_id), call.call_id, *values_that_change(call)
        )
        self._rows[call.call_id] = _what_changes(call)

    async def _save_streams(self, calls: Iterable[Call]) -> None:
        rows = [
            (
                *(lane_of(call.call_id), call.call_id, name),
                *(multirange(stream.received), stream.received_bytes, stream.duplicates, call.last_packet_at),
            )
            for call in calls
            for name, stream in sorted(call.streams.items())
            if self._counts.get((call.call_id, name)) != _counts(stream)
        ]
        if rows:
            await self._connection.execute(SAVE_STREAMS, *_columns(rows))

    async def _save_events(self, calls: Iterable[Call]) -> None:
        rows = [
            (lane_of(call.call_id), call.call_id, *_event_values(event))
            for call in calls
            for event in call.take_unsaved_events()
        ]
        if rows:
            await self._connection.execute(INSERT_EVENTS, *_columns(rows))


def _what_changes(call: Call) -> tuple[object, ...]:
    """To compare with, without making a row of it: most calls of a packet batch did not change."""
    return (
        call.version,
        call.state,
        call.next_run_at,
        call.abandoned_runs,
        call.transcript,
        call.transcript_is_current,
        tuple(call.partial_transcripts.items()),
    )


def _counts(stream: AudioStream) -> tuple[int, int]:
    return len(stream.received), stream.duplicates


def _event_values(recorded: RecordedEvent) -> tuple[object, ...]:
    event = recorded.event
    return recorded.version, recorded.at, recorded.state.value, event.name, event_detail(event)


def _columns(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]

"""Statements that read a page: of calls, newest first, or of a call's packets.

A condition is left out where nothing is asked. PostgreSQL soon settles on one plan for all values of a
statement, and cannot answer ``$1 IS NULL OR state = $1`` from an index then: it would read every call of
another state, and every page before the one that is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import attrs

from adapters.postgres.call_rows import CALL_COLUMNS
from adapters.postgres.lanes import lane_of
from application.ports import CallPosition, PacketPosition, Wanted

PAGE_BYTES: Final = 8 * 1024 * 1024
"""A page of packets ends where it would grow past this."""

# Segments and partial transcripts are most of a call's weight, and a list shows neither.
LISTED_COLUMNS: Final = CALL_COLUMNS.replace(
    " transcript,", " transcript - 'segments' AS transcript,"
).replace(" partial_transcripts,", " '{}'::jsonb AS partial_transcripts,")


FOR_SEARCHING: Final = "SET LOCAL enable_seqscan = off"
"""For the transaction of a page with words: it takes the index for as dear as reading all calls."""


@attrs.define
class Conditions:
    """What a WHERE asks, with its values in their places; ``values`` begins with those that come before."""

    values: list[object]
    _texts: list[str] = attrs.field(factory=list, init=False)

    def add(self, text: str, *values: object) -> None:
        """``text`` has ``{}`` for each value."""
        places = [f"${len(self.values) + number}" for number in range(1, len(values) + 1)]
        self._texts.append(text.format(*places))
        self.values += values

    def __str__(self) -> str:
        return " AND ".join(self._texts) or "true"


def page_of_calls(wanted: Wanted, after: CallPosition | None, limit: int) -> tuple[str, list[object]]:
    """With words, it is to be run as :data:`FOR_SEARCHING` has it."""
    asked = Conditions([limit])
    if wanted.state is not None:
        asked.add("state = {}", wanted.state.value)
    if wanted.failure_reason is not None:
        asked.add("failure_reason = {}", wanted.failure_reason.value)
    if after is not None:
        asked.add("(started_at, call_id) < ({}, {})", after.started_at, after.call_id)
    if wanted.words:
        return _page_of_found(wanted.words, asked)
    statement = f"""
        SELECT {LISTED_COLUMNS} FROM calls
        WHERE {asked} ORDER BY started_at DESC, call_id DESC LIMIT $1
    """  # noqa: S608 # constants and places
    return statement, asked.values


def _page_of_found(words: Sequence[str], asked: Conditions) -> tuple[str, list[object]]:
    """By the index of words, and only then by age.

    To look for a word that is rare, or only in old calls, by going through the newest would read them all,
    and take every transcript apart again.
    """
    query = " & ".join(f"'{word}':*" for word in words)
    asked.add("words_of_call(call_id, metadata, transcript) @@ to_tsquery('pg_catalog.simple', {})", query)
    statement = f"""
        WITH found AS MATERIALIZED (SELECT lane, call_id, started_at FROM calls WHERE {asked})
        SELECT {LISTED_COLUMNS} FROM calls JOIN (
            SELECT lane, call_id FROM found ORDER BY started_at DESC, call_id DESC LIMIT $1
        ) AS page USING (lane, call_id)
        ORDER BY started_at DESC, call_id DESC
    """  # noqa: S608 # constants and places
    return statement, asked.values


def page_of_packets(
    day: date, call_id: str, stream: str | None, after: PacketPosition | None, limit: int
) -> tuple[str, list[object]]:
    """The day is written out, for then the plan is made, kept and locked for one partition alone."""
    asked = Conditions([limit])
    asked.add("lane = {} AND call_id = {}", lane_of(call_id), call_id)
    if stream is not None:
        asked.add("stream = {}", stream)
    if after is not None:
        asked.add("(stream, sequence) > ({}, {})", after.stream, after.sequence)
    statement = f"""
        SELECT call_id, stream, sequence, sent_at_seconds, data FROM (
            SELECT *, sum(length(data)) OVER (ORDER BY stream, sequence) - length(data) AS bytes_before
            FROM (
                SELECT call_id, stream, sequence, sent_at_seconds, data FROM packets
                WHERE call_day = DATE '{day}' AND {asked}
                ORDER BY stream, sequence LIMIT $1
            ) AS page
        ) AS measured
        WHERE bytes_before < {PAGE_BYTES} ORDER BY stream, sequence
    """  # noqa: S608 # constants, places and a date
    return statement, asked.values

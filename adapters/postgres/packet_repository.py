"""The packets of one transaction, byte for byte."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Final

import asyncpg
import attrs

from adapters.postgres.lanes import lane_of
from adapters.postgres.packet_days import day_missing
from adapters.postgres.pool import Connection
from adapters.postgres.trouble import nothing_stored
from domain.packet import Packet, PacketKey

# The day is written out, for then the plan is made, kept and locked for one partition alone. And each packet
# is looked up by itself: a plan that was made while the day was young would else read all of it for ever.
DATA_OF: Final = """
    SELECT call_id, stream, sequence, data
    FROM unnest($1::smallint[], $2::text[], $3::text[], $4::bigint[])
        AS wanted (lane, call_id, stream, sequence)
    CROSS JOIN LATERAL (
        SELECT data FROM packets WHERE call_day = DATE '{day}' AND lane = wanted.lane
        AND call_id = wanted.call_id AND stream = wanted.stream AND sequence = wanted.sequence LIMIT 1
    ) AS stored
"""

PACKETS: Final = "packets"
PACKET_COLUMNS: Final = ("call_day", "lane", "call_id", "stream", "sequence", "sent_at_seconds", "data")

_CLOSE_SECONDS: Final = 1

Row = tuple[date, int, str, str, int, float, bytes]


@attrs.frozen
class PostgresPacketRepository:
    """Implements PacketRepository. ``_days`` has the day on which each of the unit's calls started."""

    _connection: Connection
    _days: Mapping[str, date]

    async def data_of(self, keys: Collection[PacketKey]) -> dict[PacketKey, bytes]:
        of_day: dict[date, list[PacketKey]] = defaultdict(list)
        for key in keys:
            of_day[self._days[key.call_id]].append(key)
        found: dict[PacketKey, bytes] = {}
        for day, wanted in of_day.items():
            found |= await self._data_of(day, wanted)
        return found

    async def _data_of(self, day: date, keys: Sequence[PacketKey]) -> dict[PacketKey, bytes]:
        with nothing_stored():
            rows = await self._connection.fetch(
                DATA_OF.format(day=day),
                [lane_of(key.call_id) for key in keys],
                [key.call_id for key in keys],
                [key.stream for key in keys],
                [key.sequence for key in keys],
            )
        return {PacketKey(row["call_id"], row["stream"], row["sequence"]): row["data"] for row in rows}

    async def add(self, packets: Sequence[Packet]) -> None:
        rows = [self._row(packet) for packet in packets]
        with nothing_stored(), day_missing({row[0] for row in rows}):
            await self._copy(rows)

    async def _copy(self, rows: Sequence[Row]) -> None:
        try:
            await self._connection.copy_records_to_table(PACKETS, columns=PACKET_COLUMNS, records=rows)
        except asyncpg.InternalClientError:
            # The server has said that it leaves, and has not left: asyncpg (0.32) then leaves a future behind
            # that nobody awaits, and would be in the log with an error. Closing awaits the end instead.
            with suppress(OSError):
                await self._connection.close(timeout=_CLOSE_SECONDS)
            raise

    def _row(self, packet: Packet) -> Row:
        call_id = packet.call_id
        stored_at = self._days[call_id], lane_of(call_id), call_id
        return *stored_at, packet.stream, packet.sequence, packet.timestamp, packet.data

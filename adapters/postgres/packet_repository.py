"""The packets of one transaction, byte for byte."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import attrs

from adapters.postgres.lanes import lane_of
from adapters.postgres.pool import Connection
from adapters.postgres.trouble import nothing_stored
from domain.packet import Packet, PacketKey

DATA_OF: Final = """
    SELECT call_id, stream, sequence, data
    FROM unnest($1::smallint[], $2::text[], $3::text[], $4::bigint[])
        AS wanted (lane, call_id, stream, sequence)
    JOIN packets USING (lane, call_id, stream, sequence)
"""

INSERT_PACKETS: Final = """
    INSERT INTO packets (lane, call_id, stream, sequence, sent_at_seconds, data)
    SELECT * FROM unnest($1::smallint[], $2::text[], $3::text[], $4::bigint[], $5::float8[], $6::bytea[])
"""


@attrs.frozen
class PostgresPacketRepository:
    """Implements PacketRepository."""

    _connection: Connection

    async def data_of(self, keys: Collection[PacketKey]) -> dict[PacketKey, bytes]:
        if not keys:
            return {}
        with nothing_stored():
            rows = await self._connection.fetch(
                DATA_OF,
                [lane_of(key.call_id) for key in keys],
                [key.call_id for key in keys],
                [key.stream for key in keys],
                [key.sequence for key in keys],
            )
        return {PacketKey(row["call_id"], row["stream"], row["sequence"]): row["data"] for row in rows}

    async def add(self, packets: Sequence[Packet]) -> None:
        with nothing_stored():
            await self._connection.execute(
                INSERT_PACKETS,
                [lane_of(packet.call_id) for packet in packets],
                [packet.call_id for packet in packets],
                [packet.stream for packet in packets],
                [packet.sequence for packet in packets],
                [packet.timestamp for packet in packets],
                [packet.data for packet in packets],
            )

"""What takes part in the comparison."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import attrs

from benchmarks.bench import Bench
from benchmarks.measurement import Measurement
from benchmarks.postgres import connected

COUNT_PACKETS: Final = """
    SELECT count(*) FROM packets
    WHERE lane = ANY(ARRAY(SELECT generate_series(0, 63))::smallint[]) AND call_id >= $1 AND call_id < $2
"""
"""Of the calls whose ids begin alike, through the primary key."""


class Contender(Protocol):
    """``in_rounds``: measured in each round; otherwise once, after the rounds."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def in_rounds(self) -> bool: ...

    async def run(self, bench: Bench, round_number: int) -> Measurement:
        """One round. Raises NotMeasured, and whatever else goes wrong."""
        ...


@attrs.frozen
class Prefix:
    """Of the ids of all calls that one contender sends in one round: it ends in a hyphen."""

    text: str

    @classmethod
    def of(cls, name: str, round_number: int) -> Prefix:
        return cls(f"{name}-{round_number}-")

    def call_ids(self, count: int) -> Sequence[str]:
        return [f"{self.text}{number}" for number in range(count)]

    async def stored_packets(self, database_url: str) -> int:
        """In Trunkline's database."""
        async with connected(database_url) as connection:
            count: int = await connection.fetchval(COUNT_PACKETS, self.text, self.text[:-1] + ".")
            return count

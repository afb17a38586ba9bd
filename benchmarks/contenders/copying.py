"""The ceiling of many packets at a time: the same rows by asyncpg's COPY, without HTTP and without rules."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic
from typing import Final

import asyncpg
import attrs

from adapters.postgres.lanes import lane_of
from benchmarks.bench import WARM_UP_SECONDS, Bench
from benchmarks.load.packets import sent_at_seconds, sounds
from benchmarks.measurement import Measurement
from benchmarks.postgres import connected
from benchmarks.processor_time import ProcessorTime

BATCH: Final = 1000
CALLS: Final = 50
PACKETS_PER_CALL_IN_A_BATCH: Final = BATCH // CALLS

TABLE: Final = """
    CREATE TABLE packets (
        lane smallint NOT NULL,
        call_id text COLLATE "C" NOT NULL,
        stream text COLLATE "C" NOT NULL,
        sequence bigint NOT NULL,
        sent_at_seconds double precision NOT NULL,
        data bytea STORAGE EXTERNAL NOT NULL,
        received_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (lane, call_id, stream, sequence)
    )
"""
_COLUMNS: Final = ("lane", "call_id", "stream", "sequence", "sent_at_seconds", "data")

Row = tuple[int, str, str, int, float, bytes]


@attrs.frozen
class Copying:
    """Batches of 1,000 rows of 50 calls, each batch a commit, one connection."""

    name: str = "copy"
    title: str = "(d) asyncpg COPY of the same rows, 1,000 a commit"
    in_rounds: bool = True

    async def run(self, bench: Bench, round_number: int) -> Measurement:
        async with (
            bench.postgres.fresh_database(self.name) as database_url,
            connected(database_url) as connection,
        ):
            await connection.execute(TABLE)
            batches = _batches()
            warmed_up = await _copy_for(connection, batches, WARM_UP_SECONDS)
            used = ProcessorTime({"PostgreSQL": bench.postgres.process_id})
            used.begin()
            began = monotonic()
            copied = await _copy_for(connection, batches, bench.seconds)
            seconds = monotonic() - began
            return Measurement(
                seconds=seconds,
                per_second=copied / seconds,
                acknowledged=warmed_up + copied,
                cores=used.end(),
                stored=await connection.fetchval("SELECT count(*) FROM packets"),
            )


async def _copy_for(connection: asyncpg.Connection, batches: Iterator[list[Row]], seconds: float) -> int:
    """How many rows that were."""
    until = monotonic() + seconds
    copied = 0
    while monotonic() < until:
        batch = next(batches)
        await connection.copy_records_to_table("packets", records=batch, columns=_COLUMNS)
        copied += len(batch)
    return copied


def _batches() -> Iterator[list[Row]]:
    contents = sounds()
    calls = [(lane_of(f"copy-{number}"), f"copy-{number}") for number in range(CALLS)]
    first = 1
    while True:
        after = first + PACKETS_PER_CALL_IN_A_BATCH
        yield [
            (lane, call_id, "main", sequence, sent_at_seconds(sequence), contents[sequence % len(contents)])
            for lane, call_id in calls
            for sequence in range(first, after)
        ]
        first = after

"""How many lanes the statements of the packet path name, as PostgreSQL is sent them."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import attrs
import pytest
from asyncpg.connection import LoggedQuery

from adapters.jobs.job_queue import PgQueuerJobQueue
from adapters.postgres.lanes import lane_of
from adapters.postgres.pool import open_pool
from adapters.postgres.unit_of_work import PostgresUnitsOfWork
from application.group_commit import GroupCommit
from application.receive_packets import ReceivePackets
from domain.delivery import Delivery, DeliveryReceipt
from domain.packet import IncomingPacket
from tests.deliveries import alone

CALLS = 40
PACKETS_OF_EACH = 5
STATEMENTS_NAME = {"calls", "streams", "call_events"}
"""Packets come by COPY: no statement names theirs, but the rows tell which transaction they came in."""
LANES_OF_A_COPY = (
    "SELECT max(lanes) FROM (SELECT count(DISTINCT lane) FROM packets GROUP BY xmin::text) AS t (lanes)"
)


@attrs.frozen
class Statement:
    text: str
    arguments: tuple[object, ...]

    @property
    def tables(self) -> set[str]:
        return STATEMENTS_NAME & set(re.findall(r"(?:FROM|JOIN|INTO|UPDATE) (\w+)", self.text))

    @property
    def lanes(self) -> set[int]:
        """The first parameter of every statement of ours is its lanes."""
        lanes = self.arguments[0]
        assert isinstance(lanes, list | int), self.text
        return set(lanes) if isinstance(lanes, list) else {lanes}


@asynccontextmanager
async def recorded(pool: asyncpg.Pool) -> AsyncIterator[list[Statement]]:
    """Everything that the two connections of the pool send meanwhile."""
    sent: list[Statement] = []

    def note(query: LoggedQuery) -> None:
        sent.append(Statement(query.query, query.args))

    async with pool.acquire() as first, pool.acquire() as second:
        for connection in (first, second):
            connection.add_query_logger(note)
    yield sent


@pytest.fixture
async def pool_of_two(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await open_pool(database_url, largest=2)
    try:
        yield pool
    finally:
        await pool.close()


async def hot_statements(pool: asyncpg.Pool, lanes_per_commit: int | None) -> list[Statement]:
    """Of many calls' packets that come at once: new ones, known ones, and repetitions."""
    group: GroupCommit[Delivery, DeliveryReceipt] = GroupCommit(
        ReceivePackets(PostgresUnitsOfWork(pool, PgQueuerJobQueue)),
        flushers=2,
        lane_of=lane_of,
        lanes_per_commit=lanes_per_commit,
        capacity=10_000,
        largest_batch=50,
        size_of=lambda delivery: len(delivery.packets),
        on_batch=lambda _: None,
    )
    packets = [
        IncomingPacket(f"c-{call}", "main", sequence, 0.0, f"piece {sequence}")
        for call in range(CALLS)
        for sequence in [*range(1, PACKETS_OF_EACH + 1), 1]
    ]
    random.Random(3).shuffle(packets)
    async with recorded(pool) as sent:
        flushers = [asyncio.create_task(group.flush_for_ever(number)) for number in range(2)]
        receipts = await asyncio.gather(*(group.submit(packet.call_id, alone(packet)) for packet in packets))
        for flusher in flushers:
            flusher.cancel()
        await asyncio.gather(*flushers, return_exceptions=True)
    assert sum(receipt.accepted for receipt in receipts) == CALLS * PACKETS_OF_EACH
    assert sum(receipt.duplicates for receipt in receipts) == CALLS
    hot = [statement for statement in sent if statement.tables]
    assert {table for statement in hot for table in statement.tables} == STATEMENTS_NAME
    return hot


async def test_with_one_lane_per_commit_every_hot_statement_names_a_single_lane(
    pool_of_two: asyncpg.Pool,
) -> None:
    """That is what lets a database that is distributed by lane run it on one node."""
    statements = await hot_statements(pool_of_two, 1)
    assert [statement for statement in statements if len(statement.lanes) != 1] == []
    assert len({lane for statement in statements for lane in statement.lanes}) > 10
    assert await pool_of_two.fetchval(LANES_OF_A_COPY) == 1


async def test_without_a_limit_statements_name_as_many_lanes_as_wait(pool_of_two: asyncpg.Pool) -> None:
    statements = await hot_statements(pool_of_two, None)
    assert max(len(statement.lanes) for statement in statements) > 5
    assert await pool_of_two.fetchval(LANES_OF_A_COPY) > 5

"""Many senders at once, through the group commit, into a real database."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import asyncpg

from adapters.jobs.job_queue import PgQueuerJobQueue
from adapters.postgres.call_reader import PostgresCallReader
from adapters.postgres.lanes import lane_of
from adapters.postgres.unit_of_work import PostgresUnitsOfWork
from application.group_commit import GroupCommit
from application.ports import PacketPosition
from application.receive_packets import ReceivePackets
from domain.delivery import Delivery, DeliveryReceipt
from domain.errors import SequenceConflict
from domain.packet import IncomingPacket, Packet
from tests.deliveries import alone

PACKETS = 1_000


def incoming(call_id: str, sequence: int, data: str | None = None) -> IncomingPacket:
    return IncomingPacket(call_id, "main", sequence, sequence / 50, data or f"piece {sequence} 世界")


def group_commit(
    pool: asyncpg.Pool, lanes_per_commit: int | None = None
) -> GroupCommit[Delivery, DeliveryReceipt]:
    return GroupCommit(
        ReceivePackets(PostgresUnitsOfWork(pool, PgQueuerJobQueue)),
        flushers=2,
        lane_of=lane_of,
        lanes_per_commit=lanes_per_commit,
        capacity=10_000,
        largest_batch=100,
        size_of=lambda delivery: len(delivery.packets),
        on_batch=lambda _: None,
    )


async def test_packets_in_any_order_and_more_than_once_are_stored_exactly(pool: asyncpg.Pool) -> None:
    """A thousand of one call, a third of them sent again, by two processes that do not know each other."""
    chance = random.Random(7)
    sequences = [*range(1, PACKETS + 1), *chance.sample(range(1, PACKETS + 1), PACKETS // 3)]
    chance.shuffle(sequences)
    processes = [group_commit(pool), group_commit(pool)]
    flushers = [asyncio.create_task(each.flush_for_ever(n)) for each in processes for n in range(2)]

    receipts = await asyncio.gather(
        *(chance.choice(processes).submit("c-1", alone(incoming("c-1", sequence))) for sequence in sequences)
    )

    for flusher in flushers:
        flusher.cancel()
    assert sum(receipt.accepted for receipt in receipts) == PACKETS
    assert sum(receipt.duplicates for receipt in receipts) == PACKETS // 3
    assert max(receipt.streams[0].next_expected for receipt in receipts) == PACKETS + 1
    found = await PostgresCallReader(pool).find("c-1")
    assert found is not None
    stream = found.call.streams["main"]
    assert list(stream.received.ranges()) == [(1, PACKETS)]
    stored = await every_packet(pool, "c-1")
    assert [packet.sequence for packet in stored] == list(range(1, PACKETS + 1))
    assert all(packet.data == f"piece {packet.sequence} 世界".encode() for packet in stored)
    assert stream.received_bytes == sum(len(packet.data) for packet in stored)
    assert stream.duplicates == PACKETS // 3


async def test_processes_that_start_the_same_calls_at_once_refuse_nobody(pool: asyncpg.Pool) -> None:
    """Each packet of each call is stored once; of two that differ the first stays and the other is told."""
    processes = [group_commit(pool), group_commit(pool)]
    flushers = [asyncio.create_task(each.flush_for_ever(n)) for each in processes for n in range(2)]
    calls = [f"c-{number}" for number in range(40)]

    answers = await asyncio.gather(
        *(
            process.submit(call_id, alone(incoming(call_id, 1, f"of process {number}")))
            for call_id in calls
            for number, process in enumerate(processes)
        ),
        return_exceptions=True,
    )

    for flusher in flushers:
        flusher.cancel()
    assert Counter(type(answer) for answer in answers) == {
        DeliveryReceipt: len(calls),
        SequenceConflict: len(calls),
    }
    for call_id in calls:
        assert len(await every_packet(pool, call_id)) == 1


async def every_packet(pool: asyncpg.Pool, call_id: str) -> list[Packet]:
    reader = PostgresCallReader(pool)
    packets: list[Packet] = []
    after: PacketPosition | None = None
    while page := await reader.packets(call_id, None, after, 300):
        packets += page
        after = PacketPosition(page[-1].stream, page[-1].sequence)
    return packets

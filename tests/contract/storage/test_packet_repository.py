"""The promise of application.ports.PacketRepository, held against PostgreSQL and the fake."""

from __future__ import annotations

import pytest

from application.errors import BatchRefused
from domain.packet import MAX_DATA_BYTES, MAX_SEQUENCE, PacketKey
from tests.contract.storage.arranged import StorageArrangement, add_packets, packet

EVERY_BYTE = bytes(range(256))


@pytest.mark.parametrize(
    "data",
    [EVERY_BYTE, b"", b"\0", "Grüße 世界 📞".encode(), EVERY_BYTE * (MAX_DATA_BYTES // 256)],
    ids=["every byte", "empty", "nul", "text", "largest"],
)
async def test_a_packet_comes_back_byte_for_byte(storage: StorageArrangement, data: bytes) -> None:
    stored = packet(1, data)
    await add_packets(storage, stored)
    assert await data_of(storage, stored.key) == {stored.key: data}
    assert list(await storage.reader.packets("c-1", None, None, 10)) == [stored]


@pytest.mark.parametrize("timestamp", [0.0, -1.5, 1_700_000_000.02, 1 / 3, 1.7e308, 5e-324])
async def test_a_timestamp_comes_back_to_the_last_bit(storage: StorageArrangement, timestamp: float) -> None:
    await add_packets(storage, packet(1, timestamp=timestamp))
    assert (await storage.reader.packets("c-1", None, None, 10))[0].timestamp == timestamp


@pytest.mark.parametrize("sequence", [0, 1, MAX_SEQUENCE])
async def test_the_bounds_of_a_sequence(storage: StorageArrangement, sequence: int) -> None:
    await add_packets(storage, packet(sequence))
    assert packet(sequence).key in await data_of(storage, packet(sequence).key)


async def test_only_what_is_stored_is_answered_and_only_under_its_whole_key(
    storage: StorageArrangement,
) -> None:
    await add_packets(storage, packet(1, b"one"), packet(2, b"two"), packet(1, b"other", stream="leg#2"))
    await add_packets(storage, packet(2, call_id="c-2"))
    wanted = [
        PacketKey("c-1", "main", 1),
        PacketKey("c-1", "leg#2", 1),
        PacketKey("c-1", "leg#2", 2),
        PacketKey("c-2", "main", 1),
    ]
    assert await data_of(storage, *wanted) == {wanted[0]: b"one", wanted[1]: b"other"}
    assert await data_of(storage) == {}


async def test_a_number_is_stored_once(storage: StorageArrangement) -> None:
    """Whoever adds it again unseen is refused, with all that came along, and the first stays."""
    await add_packets(storage, packet(1, b"first"))
    with pytest.raises(BatchRefused):
        await add_packets(storage, packet(2), packet(1, b"second"))
    with pytest.raises(BatchRefused):
        await add_packets(storage, packet(3), packet(3))
    assert [
        (stored.sequence, stored.data) for stored in await storage.reader.packets("c-1", None, None, 9)
    ] == [(1, b"first")]


async def data_of(storage: StorageArrangement, *keys: PacketKey) -> dict[PacketKey, bytes]:
    async with storage.units() as unit:
        await unit.calls.lock({key.call_id for key in keys})
        return await unit.packets.data_of(keys)


async def test_nothing_may_be_added(storage: StorageArrangement) -> None:
    await add_packets(storage)

"""The promises of LiveCalls and AiBacklogReader of application.feed_ports, held against both."""

from __future__ import annotations

import pytest

from application.receive_packets import ReceivePackets
from domain.packet import IncomingPacket
from tests.contract.storage import rich_calls
from tests.contract.storage.arranged import StorageArrangement, move_on, save
from tests.deliveries import alone


async def receive(storage: StorageArrangement, call_id: str, stream: str, *sequences: int) -> None:
    await ReceivePackets(storage.units)(
        [alone(IncomingPacket(call_id, stream, sequence, 1.5, "words")) for sequence in sequences]
    )


async def test_calls_of_which_packets_come_are_told_with_all_their_streams(
    storage: StorageArrangement,
) -> None:
    """The newest first; not those that are silent, nor those that are over."""
    await save(storage, rich_calls.in_progress("silent"), rich_calls.completed("over"))
    move_on(storage, 100)
    await receive(storage, "a", "main", 1, 2, 5, 2)
    await receive(storage, "b", "left", 1)
    await receive(storage, "b", "right", 0, 1)
    found = {call.call_id: call for call in await storage.live.receiving(60, 10)}
    assert sorted(found) == ["a", "b"]
    (main,) = found["a"].streams
    assert (main.stream, list(main.received.ranges()), main.received_bytes) == ("main", [(1, 2), (5, 5)], 15)
    assert main.duplicates == 1
    assert [stream.stream for stream in found["b"].streams] == ["left", "right"]
    assert not found["a"].media.is_audio
    assert len(await storage.live.receiving(60, 1)) == 1


async def test_the_ais_backlog(storage: StorageArrangement) -> None:
    nothing = await storage.live.ai_backlog()
    assert (nothing.waiting, nothing.processing, nothing.oldest_seconds) == (0, 0, None)
    async with storage.units() as unit:
        await unit.calls.lock([])
        for call_id, seconds in (("due", 0), ("later", 100), ("running", 0)):
            await unit.jobs.schedule(call_id, seconds)
        await unit.commit()
    await storage.pick_job("running")
    await storage.make_job_older("due", 50)
    backlog = await storage.live.ai_backlog()
    assert (backlog.waiting, backlog.processing) == (2, 1)
    assert backlog.oldest_seconds == pytest.approx(50, abs=2)

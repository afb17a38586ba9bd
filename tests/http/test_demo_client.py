"""The client that Trunkline was first shown with, unchanged."""

from __future__ import annotations

import asyncio

import aiohttp

from tests.http.described_client import DescribedClient
from tests.http.running_service import RunningService


async def test_two_packets_at_once_and_a_hang_up(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    async with aiohttp.ClientSession(service.url) as session:

        async def stream(packet: dict[str, object]) -> int:
            async with session.post(f"/v1/call/stream/{call_id}", json=packet) as response:
                return response.status

        async with session.post("/v1/call/init", json={"call_id": call_id}) as response:
            assert response.status == 201
        statuses = await asyncio.gather(
            stream({"sequence": 1, "data": "audio1", "timestamp": 100.1}),
            stream({"sequence": 2, "data": "audio2", "timestamp": 100.2}),
        )
        assert set(statuses) == {202}
        async with session.post(f"/v1/call/complete/{call_id}") as response:
            assert response.status == 202
    call = await client.call(call_id)
    assert call["state"] == "COMPLETED"
    assert call["streams"][0]["received"] == 2

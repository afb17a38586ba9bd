"""A PBX's client, as plain as can be."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import aiohttp


class ApiClient:
    """``urls`` are servers of one database; requests go to the one whose number is given."""

    def __init__(self, session: aiohttp.ClientSession, *urls: str) -> None:
        self._session = session
        self._urls = urls

    async def init(self, call_id: str, **fields: Any) -> tuple[int, dict[str, Any]]:
        return await self._post(0, "/v1/call/init", {"call_id": call_id, **fields})

    async def packet(
        self, call_id: str, sequence: int, data: str, server: int = 0
    ) -> tuple[int, dict[str, Any]]:
        body = {"sequence": sequence, "data": data, "timestamp": 1_700_000_000 + sequence / 50}
        return await self._post(server, f"/v1/call/stream/{call_id}", body)

    async def complete(
        self, call_id: str, final_sequence: int, server: int = 0
    ) -> tuple[int, dict[str, Any]]:
        body = {"final_sequence": {"main": final_sequence}}
        return await self._post(server, f"/v1/call/complete/{call_id}", body)

    async def call(self, call_id: str) -> dict[str, Any]:
        async with self._session.get(f"{self._urls[0]}/v1/calls/{call_id}") as answer:
            assert answer.status == 200, await answer.text()
            call: dict[str, Any] = await answer.json()
            return call

    async def packets(self, call_id: str) -> dict[int, str]:
        """Every stored packet of the stream main, by sequence."""
        stored: dict[int, str] = {}
        params = {"limit": "1000"}
        while True:
            async with self._session.get(
                f"{self._urls[0]}/v1/calls/{call_id}/packets", params=params
            ) as answer:
                assert answer.status == 200, await answer.text()
                page = await answer.json()
            for packet in page["packets"]:
                assert packet["sequence"] not in stored
                stored[packet["sequence"]] = packet["data"]
            if page["next"] is None:
                return stored
            params = {"limit": "1000", "after": page["next"]}

    async def all_reach(self, state: str, call_ids: Iterable[str], within_seconds: float) -> None:
        """Wait until every one of the calls is in this state."""
        waiting = set(call_ids)
        async with asyncio.timeout(within_seconds):
            while waiting:
                for call_id in sorted(waiting):
                    call = await self.call(call_id)
                    assert call["state"] != "FAILED" or state == "FAILED", call
                    if call["state"] == state:
                        waiting.discard(call_id)
                await asyncio.sleep(0.2)

    async def _post(self, server: int, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        async with self._session.post(self._urls[server] + path, json=body) as answer:
            return answer.status, await answer.json(content_type=None)

"""Starting calls, so that the packets which follow are audio, and ending them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import orjson

from benchmarks.load.http_connection import HttpConnection, LoadFailed, request
from benchmarks.load.packets import MEDIA
from benchmarks.measurement import NotMeasured, Why

_AT_A_TIME: Final = 32
_NOT_HERE: Final = frozenset({404, 405, 415, 426, 501})


async def begin_calls(port: int, call_ids: Sequence[str]) -> None:
    """Raises LoadFailed."""
    bodies = iter([orjson.dumps({"call_id": call_id, "media": MEDIA}) for call_id in call_ids])

    async def begin() -> None:
        connection = await HttpConnection.open(port)
        for body in bodies:
            status, answer = await connection.answer(request("POST", "/v1/call/init", body))
            if status not in (200, 201):
                raise LoadFailed(f"init was answered {status}: {answer[:200]!r}")
        connection.close()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(min(_AT_A_TIME, len(call_ids))):
            tasks.create_task(begin())


async def end_call(port: int, call_id: str) -> None:
    """Raises LoadFailed."""
    connection = await HttpConnection.open(port)
    await post(connection, f"/v1/call/complete/{call_id}", b"{}")
    connection.close()


async def post(connection: HttpConnection, path: str, body: bytes) -> None:
    """Raises LoadFailed where it is not answered 202."""
    status, answer = await connection.answer(request("POST", path, body))
    if status != 202:
        raise LoadFailed(f"{path} was answered {status}: {answer[:200]!r}")


def require_served(status: int, what: str) -> None:
    """Raises NotMeasured where the status says that the server does not know the route or the format."""
    if status in _NOT_HERE:
        raise NotMeasured(Why.NOT_SERVED, f"{what} is answered {status}")

"""A client of the packet WebSocket that tests drive step by step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import attrs
import orjson

from entrypoints.http.packet_frames import HEADER

PATIENCE_SECONDS = 10


@attrs.frozen
class Closed:
    code: int | None
    reason: str


@attrs.define(eq=False)
class PacketClient:
    """``greeting`` is the first message; it is read by :meth:`greeted`."""

    socket: aiohttp.ClientWebSocketResponse

    async def next(self) -> Any:
        """The next message, or how the connection was closed."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            message = await self.socket.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            return orjson.loads(message.data)
        assert message.type is aiohttp.WSMsgType.CLOSE, message
        return Closed(message.data, message.extra or "")

    async def send(self, *sequences: int, data: bytes = b"text") -> None:
        """One binary message."""
        await self.socket.send_bytes(frame(sequences, data))

    async def send_text(self, sequence: Any, data: Any = "text", **fields: Any) -> None:
        body = {"sequence": sequence, "data": data, "timestamp": 1.5, **fields}
        await self.socket.send_str(orjson.dumps(body).decode())

    async def acknowledged(self, through: int, stream: str = "main") -> list[Any]:
        """The acknowledgements, until one of the stream reaches so far."""
        acks = []
        while True:
            message = await self.next()
            assert isinstance(message, dict), message
            assert message.keys() == {"ack", "missing"}
            acks.append(message)
            if message["ack"] == {"stream": stream, "through": through}:
                return acks

    async def closed(self) -> Closed:
        """Past whatever is still said before."""
        while not isinstance(message := await self.next(), Closed):
            pass
        return message


def frame(sequences: Iterable[int], data: bytes = b"text") -> bytes:
    return b"".join(HEADER.pack(len(data), sequence, 1.5) + data for sequence in sequences)


def ack(through: int, *missing: tuple[int, int], stream: str = "main") -> dict[str, Any]:
    return {"ack": {"stream": stream, "through": through}, "missing": [list(gap) for gap in missing]}


def spooled(*sequences: tuple[int, int], stream: str = "main") -> dict[str, Any]:
    return {"spooled": {"stream": stream, "sequences": [list(each) for each in sequences]}}


@asynccontextmanager
async def packet_client(url: str, call_id: str, query: str = "") -> AsyncIterator[tuple[PacketClient, Any]]:
    """A client and the greeting that it got."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{url}/v1/call/stream/{call_id}/ws{query}", max_msg_size=0) as socket,
    ):
        client = PacketClient(socket)
        yield client, await client.next()

"""One acknowledged WebSocket: its handshake, its pongs, and what the server acknowledges."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Callable, Iterable
from typing import Any, cast

import orjson

from benchmarks.load.acks import AckedStream, Ranges
from benchmarks.load.calls import require_served
from benchmarks.load.http_connection import LoadFailed
from benchmarks.load.websocket_frames import BrokenFrame, FrameReader, Opcode, client_frame

OnAcked = Callable[["WebSocketConnection", Ranges], None]


class WebSocketConnection(asyncio.Protocol):
    """Carries stream `main` of one call. ``on_acked`` hears of each newly acknowledged range."""

    def __init__(self, call_id: str, on_acked: OnAcked) -> None:
        self._path = f"/v1/call/stream/{call_id}/ws?stream=main"
        self._on_acked = on_acked
        self._transport: asyncio.Transport | None = None
        self._handshake: bytes | None = b""
        self._frames = FrameReader()
        self.acks = AckedStream()
        loop = asyncio.get_running_loop()
        self.standing: asyncio.Future[dict[str, Any]] = loop.create_future()
        """The server's first message: where each stream stands."""
        self.ended: asyncio.Future[Exception] = loop.create_future()
        """Done when the connection can no longer be used, with the reason."""
        self.is_paused = False
        """Whether so much waits to be sent that nothing should be added."""

    @classmethod
    async def open(cls, port: int, call_id: str, on_acked: OnAcked) -> WebSocketConnection:
        """Open once the server has said where the streams stand. Raises NotMeasured, LoadFailed."""
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: cls(call_id, on_acked), "127.0.0.1", port
        )
        either: set[asyncio.Future[Any]] = {connection.standing, connection.ended}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not connection.standing.done():
            raise connection.ended.result()
        return connection

    def send(self, frames: bytes | memoryview) -> None:
        assert self._transport is not None
        self._transport.write(frames)

    def close(self) -> None:
        """Say goodbye and let go."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(client_frame(Opcode.CLOSE, (1000).to_bytes(2, "big")))
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's has its methods, not its class
        key = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        try:
            if self._handshake is not None:
                data = self._shake_hands(data)
            if data:
                for frame in self._frames.feed(data):
                    self._receive(frame.opcode, frame.is_final, frame.payload)
        except Exception as error:  # whatever the server did, whoever waits must hear of it
            self._end(error)
            if self._transport is not None:
                self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._end(LoadFailed(f"the server hung up{f': {error}' if error else ''}"))

    def pause_writing(self) -> None:
        self.is_paused = True

    def resume_writing(self) -> None:
        self.is_paused = False

    def _shake_hands(self, data: bytes) -> bytes:
        """What follows the handshake, once that is whole. Raises NotMeasured, LoadFailed."""
        received = (self._handshake or b"") + data
        head, end, rest = received.partition(b"\r\n\r\n")
        if not end:
            self._handshake = received
            return b""
        status = int(head[9:12])
        require_served(status, "the WebSocket")
        if status != 101:
            raise LoadFailed(f"the WebSocket was answered {status}")
        self._handshake = None
        return rest

    def _receive(self, opcode: int, is_final: bool, payload: bytes) -> None:
        if not is_final or opcode == Opcode.CONTINUATION:
            raise BrokenFrame("an acknowledgement in several frames is not expected")
        match opcode:
            case Opcode.TEXT:
                self._hear(orjson.loads(payload))
            case Opcode.PING:
                self.send(client_frame(Opcode.PONG, payload))
            case Opcode.CLOSE:
                code = int.from_bytes(payload[:2], "big")
                raise LoadFailed(f"closed by the server: {code} {payload[2:].decode(errors='replace')}")

    def _hear(self, message: dict[str, Any]) -> None:
        """Raises LoadFailed, AckWentBack."""
        if not self.standing.done():
            self.standing.set_result(message)
        elif "ack" in message:
            acked = self.acks.acknowledge(message["ack"]["through"], message["missing"])
            if acked:
                self._on_acked(self, acked)
        else:
            raise LoadFailed(f"the server said {str(message)[:200]}")

    def _end(self, error: Exception) -> None:
        if not self.ended.done():
            self.ended.set_result(error)


async def all_open_for(
    connections: Iterable[WebSocketConnection], seconds: float | None, until: asyncio.Task[Any] | None = None
) -> None:
    """Wait for so long (None: for ever), or until the task is done.

    Raises the reason of the first connection that ends.
    """
    ends = {connection.ended for connection in connections}
    waited: set[asyncio.Future[Any]] = {*ends, *((until,) if until else ())}
    await asyncio.wait(waited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for end in ends:
        if end.done():
            raise end.result()

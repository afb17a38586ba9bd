"""A small real server for the generators to be tried on."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import attrs
from aiohttp import WSMsgType, web
from aiohttp.typedefs import Handler


@asynccontextmanager
async def serving(**handlers: Handler) -> AsyncIterator[int]:
    """The port; each handler has the path of its name, for GET and POST, and `stream` that of a call."""
    application = web.Application()
    for name, handler in handlers.items():
        paths = {"stream": "/v1/call/stream/{call_id}", "websocket": "/v1/call/stream/{call_id}/ws"}
        application.router.add_route("*", paths.get(name, f"/{name}"), handler)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@attrs.define
class AckingWebSocket:
    """Acknowledges packets in the order they come, those of each message together.

    Remembers their sequences by call, and the pongs. ``before_ack`` may do what a server does to be tested.
    """

    before_ack: Callable[[web.WebSocketResponse, int], bool] = lambda socket, through: True
    received: dict[str, list[int]] = attrs.field(factory=dict)
    pongs: list[bytes] = attrs.field(factory=list)

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        call_id = request.match_info["call_id"]
        assert request.query["stream"] == "main"
        received = self.received.setdefault(call_id, [])
        await socket.send_json({"call_id": call_id, "state": "IN_PROGRESS", "streams": []})
        await socket.ping(b"there?")
        async for message in socket:
            if message.type is WSMsgType.PONG:
                self.pongs.append(message.data)
                continue
            assert message.type is WSMsgType.BINARY
            received += sequences(message.data)
            if not self.before_ack(socket, received[-1]):
                await socket.close(code=1011, message=b"out of order")
                break
            await socket.send_json({"ack": {"stream": "main", "through": received[-1]}, "missing": []})
        return socket


def sequences(message: bytes) -> list[int]:
    """Of the packets in a binary message."""
    found = []
    while message:
        length, sequence, _ = struct.unpack("!IQd", message[:20])
        found.append(sequence)
        message = message[20 + length :]
    return found

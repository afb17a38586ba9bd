"""The packet WebSocket with bounds of a test's own, beside the running service and on its storage."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from entrypoints.http.packet_connection import PacketConnection
from entrypoints.http.packet_socket import PacketSocketHandlers
from tests.http.running_service import RunningService

PATH = "/v1/call/stream/{call_id}/ws"
SEND_BUFFER_BYTES = 4096
"""Of each connection in the kernel: little, so that a client that does not read is noticed soon."""


class LimitedSockets:
    def __init__(self, service: RunningService, most_bytes_held: int) -> None:
        self.handlers = PacketSocketHandlers(
            service.container.deliveries(),
            service.container.queries(),
            service.container.spool(),
            most_bytes_held,
            lambda _: None,
        )
        self.url = ""

    @property
    def held_bytes(self) -> int:
        """What was read and is not stored, of all connections."""
        return self.handlers._memory.held_bytes

    @property
    def connections(self) -> list[PacketConnection]:
        return list(self.handlers._open)

    async def start(self) -> web.AppRunner:
        application = web.Application()
        application.router.add_get(PATH, self.handlers.socket)
        application.on_shutdown.append(self.handlers.close_all)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await runner.setup()
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        await web.SockSite(runner, listening).start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return runner


@asynccontextmanager
async def limited_sockets(service: RunningService, most_bytes_held: int) -> AsyncIterator[LimitedSockets]:
    """When it closes, nothing is held any more and no connection is left over."""
    limited = LimitedSockets(service, most_bytes_held)
    runner = service.run(limited.start())
    try:
        yield limited
    finally:
        await asyncio.to_thread(service.run, runner.cleanup())
    assert (limited.held_bytes, limited.connections) == (0, [])

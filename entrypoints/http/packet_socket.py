"""Packets over a WebSocket, acknowledged after the commit.

An error closes the connection with 4000 and the HTTP status that the packet would have got in a POST, and
the detail as the reason; trouble that may pass closes it with 1013, a restart with 1012. What a client has to
know is in docs/packets-by-websocket.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from aiohttp import web

from application.call_queries import CallQueries
from application.errors import Draining, StorageUnavailable
from application.group_commit import GroupCommit
from application.spool import DATABASE_SECONDS, Spool, Spooled
from domain.delivery import Delivery, DeliveryReceipt
from domain.errors import UnknownCall
from entrypoints.http import wire
from entrypoints.http.call_ids import id_of_new_or_known_call
from entrypoints.http.call_views import standing_view
from entrypoints.http.memory_bound import MemoryBound
from entrypoints.http.origins import refuse_foreign_pages
from entrypoints.http.packet_connection import CLOSE_SECONDS, PacketConnection
from entrypoints.http.packet_frames import MAX_MESSAGE_BYTES
from entrypoints.http.queries import read_query


class PacketSocketHandlers:
    def __init__(
        self,
        deliveries: GroupCommit[Delivery, DeliveryReceipt | Spooled],
        queries: CallQueries,
        spool: Spool,
        most_bytes_held: int,
        on_acknowledged: Callable[[float], None],
    ) -> None:
        """``most_bytes_held`` bounds what all connections together hold in memory.

        ``on_acknowledged`` is told how many seconds the oldest packet of an acknowledgement waited for it.
        """
        self._deliveries = deliveries
        self._queries = queries
        self._spool = spool
        self._memory = MemoryBound(most_bytes_held)
        self._on_acknowledged = on_acknowledged
        self._open: set[PacketConnection] = set()
        self._last_closed = asyncio.Event()
        self._is_draining = False

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        refuse_foreign_pages(request.headers)
        call_id = id_of_new_or_known_call(request)
        stream = read_query(request, wire.SocketQuery).stream
        socket = web.WebSocketResponse(
            autoping=False,
            max_msg_size=MAX_MESSAGE_BYTES + 1,  # aiohttp refuses this many
            compress=False,
            timeout=CLOSE_SECONDS,
        )
        if not socket.can_prepare(request):
            raise web.HTTPBadRequest(reason="Not a handshake of WebSocket 13")
        greeting = await self._greeting(call_id)
        if self._is_draining:
            raise Draining
        connection = PacketConnection(
            socket, request.protocol, call_id, stream, self._deliveries, self._memory, self._on_acknowledged
        )
        self._open.add(connection)
        try:
            await socket.prepare(request)
            await connection.serve(greeting)
        finally:
            self._open.discard(connection)
            if not self._open:
                self._last_closed.set()
        return socket

    async def close_all(self, application: web.Application) -> None:
        """For `on_shutdown`: what was read is stored and acknowledged, and the clients go elsewhere."""
        self._is_draining = True
        if not self._open:
            return
        self._last_closed.clear()
        for connection in self._open:
            connection.send_elsewhere()
        with suppress(TimeoutError):  # whoever is left is cut off with everything else
            async with asyncio.timeout(3 * CLOSE_SECONDS):
                await self._last_closed.wait()

    async def _greeting(self, call_id: str) -> wire.SocketGreeting:
        """Where nothing can be known it says so. A client may then send again what is stored: harmless."""
        nothing_known = wire.SocketGreeting(call_id, None, ())
        if self._spool.is_spooling:
            return nothing_known
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                call = (await self._queries.call(call_id)).call
        except (UnknownCall, StorageUnavailable, TimeoutError):
            return nothing_known
        standings = (call.streams[name].standing() for name in sorted(call.streams))
        return wire.SocketGreeting(call_id, call.state, tuple(standing_view(each) for each in standings))

"""A Trunkline that keeps its packets in memory, with faults that a test can plant.

It answers as the contract says, for one audio stream's worth of packets a call.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
from aiohttp import web


@attrs.define
class StoredCall:
    media: Any
    metadata: Any
    state: str = "IN_PROGRESS"
    final_sequence: dict[str, int] = attrs.field(factory=dict)
    packets: dict[tuple[str, int], dict[str, Any]] = attrs.field(factory=dict)


@attrs.define
class PlantedFaults:
    """``busy_every``: each such request gets a 503, alternately with and without having done the work."""

    busy_every: int = 0
    forget: frozenset[int] = frozenset()
    garble: frozenset[int] = frozenset()
    refuse: frozenset[int] = frozenset()
    invent: frozenset[int] = frozenset()
    keep_open: bool = False
    understate_received: bool = False


@attrs.define
class FakeTrunkline:
    faults: PlantedFaults = attrs.field(factory=PlantedFaults)
    calls: dict[str, StoredCall] = attrs.field(factory=dict)
    arrivals: list[tuple[str, int]] = attrs.field(factory=list)
    well_under_way: asyncio.Event = attrs.field(factory=asyncio.Event)
    posts: int = 0
    busy_answers: int = 0

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Its URL."""
        application = web.Application(middlewares=[self._sometimes_busy])
        application.add_routes(
            [
                web.post("/v1/call/init", self._init),
                web.post("/v1/call/stream/{call_id}", self._stream),
                web.post("/v1/call/complete/{call_id}", self._complete),
                web.get("/v1/calls/{call_id}", self._read_call),
                web.get("/v1/calls/{call_id}/packets", self._read_packets),
            ]
        )
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            yield f"http://{host}:{port}"
        finally:
            await runner.cleanup()

    @web.middleware
    async def _sometimes_busy(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.method == "POST":
            self.posts += 1
            if self.faults.busy_every and self.posts % self.faults.busy_every == 0:
                self.busy_answers += 1
                if self.busy_answers % 2:
                    await handler(request)
                return _problem(503, "queue full", {"Retry-After": "0"})
        response: web.StreamResponse = await handler(request)
        return response

    async def _init(self, request: web.Request) -> web.Response:
        body = await request.json()
        call = self.calls.get(body["call_id"])
        if call is None:
            self.calls[body["call_id"]] = StoredCall(body["media"], body["metadata"])
            return web.json_response({}, status=201)
        same = (call.media, call.metadata) == (body["media"], body["metadata"])
        return web.json_response({}) if same else _problem(409, "another init")

    async def _stream(self, request: web.Request) -> web.Response:
        call_id, body = request.match_info["call_id"], await request.json()
        sequence, stream = body["sequence"], body["stream"]
        if (
            not isinstance(sequence, int)
            or not isinstance(body["timestamp"], float)
            or not _is_base64(body["data"])
        ):
            return _problem(422, "not a packet")
        if sequence in self.faults.refuse:
            return _problem(409, "refused on purpose")
        self.arrivals.append((call_id, sequence))
        if len(self.arrivals) >= 5:
            self.well_under_way.set()
        packets = self.calls[call_id].packets
        status = "duplicate" if (stream, sequence) in packets else "accepted"
        if packets.setdefault((stream, sequence), body) != body:
            return _problem(409, "other bytes")
        highest = max(sequence for _, sequence in packets)
        receipt = {"status": status, "call_id": call_id, "stream": stream, "sequence": sequence}
        return web.json_response({**receipt, "next_expected": highest + 1, "missing": []}, status=202)

    async def _complete(self, request: web.Request) -> web.Response:
        call = self.calls[request.match_info["call_id"]]
        call.final_sequence = (await request.json())["final_sequence"]
        if not self.faults.keep_open:
            call.state = "COMPLETED"
        return web.json_response({"status": "completed", "state": "COMPLETED", "missing": {}}, status=202)

    async def _read_call(self, request: web.Request) -> web.Response:
        call = self.calls[request.match_info["call_id"]]
        received = Counter(stream for stream, sequence in call.packets if sequence not in self.faults.forget)
        streams = [
            {"stream": stream, "received": number - self.faults.understate_received}
            for stream, number in received.items()
        ]
        return web.json_response({"state": call.state, "streams": streams})

    async def _read_packets(self, request: web.Request) -> web.Response:
        call, stream = self.calls[request.match_info["call_id"]], request.query["stream"]
        after, limit = int(request.query.get("after", "-1")), int(request.query["limit"])
        sequences = sorted(
            sequence
            for kept, sequence in call.packets
            if kept == stream and sequence > after and sequence not in self.faults.forget
        )
        page = [self._as_stored(call.packets[stream, sequence]) for sequence in sequences[:limit]]
        page += [{"sequence": sequence, "data": ""} for sequence in self.faults.invent]
        next_cursor = str(sequences[limit - 1]) if len(sequences) > limit else None
        return web.json_response({"packets": page, "next": next_cursor})

    def _as_stored(self, packet: dict[str, Any]) -> dict[str, Any]:
        if packet["sequence"] not in self.faults.garble:
            return packet
        data = bytearray(base64.b64decode(packet["data"]))
        data[0] ^= 1
        return {**packet, "data": base64.b64encode(data).decode()}


def _problem(status: int, title: str, headers: dict[str, str] | None = None) -> web.Response:
    body = {"type": "about:blank", "title": title, "status": status}
    return web.json_response(body, status=status, headers=headers, content_type="application/problem+json")


def _is_base64(data: str) -> bool:
    try:
        base64.b64decode(data, validate=True)
    except binascii.Error:
        return False
    return True

"""The WebSocket generators against a server of another make."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiohttp import web

from benchmarks.load.http_connection import LoadFailed
from benchmarks.load.live import LiveCalls
from benchmarks.load.saturation import WINDOW_PACKETS, Saturation
from benchmarks.load.websocket_frames import PacketFrames
from benchmarks.measurement import NotMeasured, Why
from tests.unit.benchmarks.small_server import AckingWebSocket, serving

CONTENTS = [b"sound " * 20]


async def test_a_saturated_connection_sends_every_packet_once_and_in_order() -> None:
    server = AckingWebSocket()
    async with serving(websocket=server.handle) as port:
        frames = PacketFrames.build(8000, 50, CONTENTS)
        result = await Saturation(frames).run(port, ["c-1", "c-2"], 0.02, 0.1)
    assert result.acknowledged == result.sent > WINDOW_PACKETS
    assert 0 < result.in_time <= result.acknowledged
    assert sum(len(received) for received in server.received.values()) == result.sent
    for received in server.received.values():
        assert received == list(range(1, len(received) + 1))


async def test_never_more_than_a_window_is_on_its_way() -> None:
    async def acks_nothing(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"call_id": "c-1", "streams": []})
        async for message in socket:
            sizes.append(len(message.data))
            if len(sizes) * 50 == WINDOW_PACKETS:
                await asyncio.sleep(0.05)  # more would come in this time, if more did come
                await socket.close(code=1013, message=b"enough")
        return socket

    sizes: list[int] = []
    async with serving(websocket=acks_nothing) as port:
        frames = PacketFrames.build(200, 50, CONTENTS)
        with pytest.raises(LoadFailed, match="1013 enough"):
            await Saturation(frames).run(port, ["c-1"], 0, 30)
    assert len(sizes) * 50 == WINDOW_PACKETS


async def test_the_reason_for_which_a_server_closes_ends_the_measurement() -> None:
    server = AckingWebSocket(before_ack=lambda socket, through: through < 500)
    async with serving(websocket=server.handle) as port:
        frames = PacketFrames.build(4000, 50, CONTENTS)
        with pytest.raises(LoadFailed, match="1011 out of order"):
            await Saturation(frames).run(port, ["c-1"], 0, 30)


async def test_frames_that_are_used_up_end_the_measurement() -> None:
    async with serving(websocket=AckingWebSocket().handle) as port:
        frames = PacketFrames.build(60, 50, CONTENTS)
        with pytest.raises(LoadFailed, match="used up"):
            await Saturation(frames).run(port, ["c-1"], 0, 30)


@pytest.mark.parametrize("status", [404, 426])
async def test_a_server_without_the_websocket_does_not_serve_it(status: int) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=status)

    async with serving(websocket=refuse) as port:
        with pytest.raises(NotMeasured) as refused:
            await Saturation(PacketFrames.build(1, 1, CONTENTS)).run(port, ["c-1"], 0, 30)
    assert refused.value.why is Why.NOT_SERVED


async def test_live_calls_send_a_packet_every_20_ms_and_time_each() -> None:
    server = AckingWebSocket()
    calls = [f"c-{number}" for number in range(7)]
    async with serving(websocket=server.handle) as port:
        live = LiveCalls(PacketFrames.build(10, 1, CONTENTS))
        await live.open(port, calls)
        began = asyncio.get_running_loop().time()
        result = await live.run()
        took = asyncio.get_running_loop().time() - began
    assert (result.sent, result.acknowledged, result.latencies.count) == (70, 70, 70)
    assert server.received == {call: list(range(1, 11)) for call in calls}
    assert server.pongs == [b"there?"] * 7
    assert took >= 9 * 0.02


async def test_a_stall_of_the_server_is_in_the_latencies_of_live_calls() -> None:
    async def websocket(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"call_id": "c-1", "streams": []})
        count = 0
        async for _ in socket:
            count += 1
            if count == 3:
                await asyncio.sleep(0.2)
            await socket.send_json({"ack": {"stream": "main", "through": count}, "missing": []})
        return socket

    async with serving(websocket=websocket) as port:
        live = LiveCalls(PacketFrames.build(10, 1, CONTENTS))
        await live.open(port, ["c-1"])
        result = await live.run()
    assert result.latencies.max_ms >= 190
    assert result.latencies.p50_ms >= 50, "those that were sent meanwhile waited too"


class SlowFrames(PacketFrames):
    """What is to be sent is 50 ms in coming, where it is due every 20 ms."""

    made = 0

    def run(self, first: int, end: int) -> memoryview:
        time.sleep(0.05)
        SlowFrames.made += 1
        return super().run(first, end)


async def test_a_late_generator_says_so_and_hears_acknowledgements_meanwhile() -> None:
    made_when_heard = list[int]()

    def hear(_: web.WebSocketResponse, __: int) -> bool:
        made_when_heard.append(SlowFrames.made)
        return True

    async with serving(websocket=AckingWebSocket(before_ack=hear).handle) as port:
        live = LiveCalls(SlowFrames.build(6, 1, CONTENTS))
        await live.open(port, [f"c-{number}" for number in range(60)])
        result = await live.run()
    assert made_when_heard[0] < 6
    assert result.late_p99_ms > 100


async def test_how_long_the_server_took_is_told_apart_from_how_late_the_generator_was() -> None:
    async with serving(websocket=AckingWebSocket().handle) as port:
        live = LiveCalls(SlowFrames.build(20, 1, CONTENTS))
        await live.open(port, [f"c-{number}" for number in range(60)])
        result = await live.run()
    assert result.latencies.max_ms > 19 * 30
    assert result.from_sent.count == 2 * 60
    assert result.from_sent.p50_ms < result.latencies.p50_ms / 2


async def test_packets_acknowledged_together_are_timed_one_by_one() -> None:
    async def websocket(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"call_id": "c-1", "streams": []})
        count = 0
        async for _ in socket:
            count += 1
            if count == 10:
                await socket.send_json({"ack": {"stream": "main", "through": 10}, "missing": []})
        return socket

    async with serving(websocket=websocket) as port:
        live = LiveCalls(PacketFrames.build(10, 1, CONTENTS))
        await live.open(port, ["c-1"])
        result = await live.run()
    assert result.acknowledged == 10
    assert result.latencies.max_ms >= 9 * 20
    assert result.latencies.p50_ms >= 4 * 20

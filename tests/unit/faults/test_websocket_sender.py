"""The sender over a WebSocket goes on after any cut, and believes no more than what it was told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import orjson
from aiohttp import web

from domain.packet import IncomingPacket
from entrypoints.http.packet_frames import packet_of_text, packets_of_frame
from faults.history import HistoryWriter, Request, read_history, requests_of
from faults.websocket_sender import WebSocketSender
from faults.websocket_wire import Refused, durable_by, frame, raw_data, refused_by
from tests.unit.faults.good_run import packet

Serve = Callable[["Peer"], Awaitable[None]]
GREETING: dict[str, Any] = {"call_id": "c-1", "state": None, "streams": []}


@attrs.define(eq=False)
class Peer:
    """The server's end of one connection, which a test drives."""

    socket: web.WebSocketResponse

    async def greet(self, *streams: dict[str, Any]) -> None:
        await self.say(GREETING | {"streams": list(streams)})

    async def say(self, what: dict[str, Any]) -> None:
        await self.socket.send_str(orjson.dumps(what).decode())

    async def ack(self, through: int, *missing: list[int]) -> None:
        await self.say({"ack": {"stream": "main", "through": through}, "missing": list(missing)})

    async def until_sent(self, count: int) -> list[tuple[str, int, bytes | str]]:
        """So many packets, read as the service reads them."""
        packets: list[IncomingPacket] = []
        while len(packets) < count:
            message = await self.socket.receive()
            if message.type is aiohttp.WSMsgType.BINARY:
                packets += packets_of_frame("c-1", "main", message.data)
            else:
                packets.append(packet_of_text("c-1", "main", message.data))
        return [(each.stream, each.sequence, each.data) for each in packets]

    async def cut(self) -> None:
        transport = self.socket.get_extra_info("socket")
        transport.shutdown(2)


@asynccontextmanager
async def sending(folder: Path, *serving: Serve) -> AsyncIterator[WebSocketSender]:
    """Each connection is served by the next of ``serving``, and then closed."""
    left = list(serving)

    async def serve(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await left.pop(0)(Peer(socket))
        if not socket.closed:
            await socket.receive()
        return socket

    application = web.Application()
    application.router.add_get("/v1/call/stream/c-1/ws", serve)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        with HistoryWriter(folder / "history.jsonl") as history:
            async with aiohttp.ClientSession() as session, asyncio.timeout(10):
                sender = WebSocketSender([url], history, session, random.Random(1), "c-1", is_audio=False)
                async with sender.running():
                    yield sender
    finally:
        await runner.cleanup()


def told(folder: Path) -> list[tuple[int, int | None]]:
    """Sequence and status of each attempt, in the order of sending."""
    return [(request.attempt.body["sequence"], request.status) for request in attempts(folder)]


def attempts(folder: Path) -> list[Request]:
    return requests_of(read_history(folder / "history.jsonl"))


async def test_a_packet_is_told_by_the_acknowledgement_that_covers_it(tmp_path: Path) -> None:
    held = asyncio.Event()

    async def serve(peer: Peer) -> None:
        await peer.greet()
        assert [sequence for _, sequence, _ in await peer.until_sent(3)] == [1, 2, 3]
        await peer.ack(3, [2, 2])
        await held.wait()
        await peer.ack(3)

    async with sending(tmp_path, serve) as sender:
        asked = [asyncio.create_task(sender.until_told(packet(n, "x"))) for n in (1, 2, 3)]
        await asyncio.gather(asked[0], asked[2])
        assert not asked[1].done()
        held.set()
        assert (await asked[1]).status == 202
    assert told(tmp_path) == [(1, 202), (2, 202), (3, 202)]
    assert {request.attempt.over for request in attempts(tmp_path)} == {"websocket"}


async def test_after_a_cut_it_sends_again_what_the_greeting_does_not_name(tmp_path: Path) -> None:
    async def cut(peer: Peer) -> None:
        await peer.greet()
        await peer.until_sent(3)
        await peer.cut()

    async def go_on(peer: Peer) -> None:
        await peer.greet({"stream": "main", "through": 3, "next_expected": 4, "missing": [[2, 2]]})
        assert [sequence for _, sequence, _ in await peer.until_sent(1)] == [2]
        await peer.ack(3)

    async with sending(tmp_path, cut, go_on) as sender:
        await asyncio.gather(*(sender.until_told(packet(n, "x")) for n in (1, 2, 3)))
        assert [closed.code for closed in sender.closed] == [1006]
    assert told(tmp_path) == [(1, 202), (2, None), (3, 202), (2, 202)]


async def test_where_it_was_closed_for_a_restart_it_goes_on(tmp_path: Path) -> None:
    async def restart(peer: Peer) -> None:
        await peer.greet()
        await peer.until_sent(1)
        await peer.socket.close(code=1012, message=b"the service restarts")

    async def go_on(peer: Peer) -> None:
        await peer.greet()
        await peer.until_sent(1)
        await peer.ack(1)

    async with sending(tmp_path, restart, go_on) as sender:
        assert (await sender.until_told(packet(1, "x"))).status == 202
        assert [closed.code for closed in sender.closed] == [1012]
    assert told(tmp_path) == [(1, None), (1, 202)]


async def test_a_refusal_is_told_to_the_packet_that_it_names_and_the_others_go_again(tmp_path: Path) -> None:
    async def refuse(peer: Peer) -> None:
        await peer.greet()
        await peer.until_sent(3)
        await peer.socket.close(code=4409, message=b"packet 2 of main: other data is stored")

    async def go_on(peer: Peer) -> None:
        await peer.greet()
        assert [sequence for _, sequence, _ in await peer.until_sent(2)] == [1, 3]
        await peer.ack(3, [2, 2])

    async with sending(tmp_path, refuse, go_on) as sender:
        answers = await asyncio.gather(*(sender.until_told(packet(n, "x")) for n in (1, 2, 3)))
    assert [answer.status for answer in answers] == [202, 409, 202]
    assert told(tmp_path) == [(1, None), (2, 409), (3, None), (1, 202), (3, 202)]


async def test_a_refusal_of_a_whole_message_is_of_the_first_that_was_not_told(tmp_path: Path) -> None:
    async def refuse(peer: Peer) -> None:
        await peer.greet()
        await peer.until_sent(2)
        await peer.ack(1)
        await peer.socket.close(code=4422, message=b"data: is no base64")

    async with sending(tmp_path, refuse, Peer.greet) as sender:
        answers = await asyncio.gather(*(sender.until_told(packet(n, "x")) for n in (1, 2)))
    assert [answer.status for answer in answers] == [202, 422]


async def test_a_conflict_is_not_told_by_an_acknowledgement_of_its_number(tmp_path: Path) -> None:
    async def serve(peer: Peer) -> None:
        await peer.greet({"stream": "main", "through": 1, "next_expected": 2, "missing": []})
        await peer.until_sent(1)
        await peer.ack(1)
        await peer.socket.close(code=4409, message=b"packet 1 of main: other data is stored")

    async with sending(tmp_path, serve, Peer.greet) as sender:
        assert (await sender.until_told(packet(1, "other"), conflicts=True)).status == 409


async def test_what_is_spooled_is_told_by_its_name_alone(tmp_path: Path) -> None:
    async def serve(peer: Peer) -> None:
        await peer.greet()
        await peer.until_sent(2)
        await peer.say({"spooled": {"stream": "main", "sequences": [[2, 2]]}})
        await peer.ack(2)

    async with sending(tmp_path, serve) as sender:
        await asyncio.gather(*(sender.until_told(packet(n, "x")) for n in (1, 2)))
    assert [request.is_spooled for request in attempts(tmp_path)] == [False, True]


async def test_what_was_never_sent_from_here_is_sent_though_it_is_there(tmp_path: Path) -> None:
    """Or a packet that is sent twice on purpose would not be."""

    async def serve(peer: Peer) -> None:
        await peer.greet({"stream": "main", "through": 1, "next_expected": 2, "missing": []})
        assert await peer.until_sent(1)
        await peer.ack(1)

    async with sending(tmp_path, serve) as sender:
        await sender.until_told(packet(1, "x"))
    assert told(tmp_path) == [(1, 202)]


async def test_trouble_of_the_server_counts_as_what_a_post_would_have_been_answered(tmp_path: Path) -> None:
    def close_with(code: int) -> Serve:
        async def serve(peer: Peer) -> None:
            await peer.greet()
            await peer.until_sent(1)
            await peer.socket.close(code=code)

        return serve

    async def go_on(peer: Peer) -> None:
        await peer.greet()
        await peer.until_sent(1)
        await peer.ack(1)

    async with sending(tmp_path, close_with(1013), close_with(1011), go_on) as sender:
        await sender.until_told(packet(1, "x"))
    assert told(tmp_path) == [(1, 503), (1, 500), (1, 202)]


def test_the_service_reads_frames_as_they_are_written_here() -> None:
    bodies = [packet(1, "é"), packet(2**53 - 1, "")]
    written = frame((body, raw_data(body, is_audio=False) or b"") for body in bodies)
    one, other = packets_of_frame("c-1", "main", written)
    assert (one.sequence, one.timestamp, one.data) == (1, 1.0, "é".encode())
    assert (other.sequence, other.data) == (2**53 - 1, b"")


def test_audio_goes_raw_and_what_is_no_base64_does_not() -> None:
    assert raw_data(packet(1, "AAEC"), is_audio=True) == bytes([0, 1, 2])
    assert raw_data(packet(1, "no base64!"), is_audio=True) is None


def test_what_is_durable_by_an_acknowledgement_are_all_up_to_it_but_gaps() -> None:
    (durable,) = durable_by({"ack": {"stream": "main", "through": 9}, "missing": [[2, 3], [5, 5]]})
    assert [n for n in range(12) if durable.has("main", n)] == [0, 1, 4, 6, 7, 8, 9]
    assert not durable.has("agent", 1)


def test_a_reason_names_a_packet_or_none() -> None:
    assert refused_by("packet 17 of leg#2: other data") == Refused("leg#2", 17)
    assert refused_by("2.sequence: must be a number") is None

"""How the feed is sent to those who read slowly, or not at all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import NoReturn

import aiohttp
import orjson
import pytest

from application.call_feed import LOOK_SECONDS
from application.feed_reader import MOST_WAITING_BYTES
from benchmarks.load.websocket_frames import Frame, FrameReader, Opcode, client_frame
from domain.call import Call
from domain.call_state import CallState
from domain.events import RecordedEvent, RunFailed
from entrypoints.http.feed_encoding import SLICE_BYTES, FeedChunk
from tests.contract.storage.rich_calls import at
from tests.fakes.storage import InMemoryStorage
from tests.http.feed_server import SOCKET, STREAM, LazyReader, feed_server
from tests.waiting import until

both_ways = pytest.mark.parametrize("path", [STREAM, SOCKET])
LARGE_CALLS = 100
LARGE_BYTES = 1_000_000


def put_large_calls(storage: InMemoryStorage) -> None:
    """Live calls that make a large snapshot."""
    for number in range(LARGE_CALLS):
        metadata = {f"key-{key}": "x" * 1_000 for key in range(10)}
        storage.put(Call.start(f"c-{number}", at(number), metadata=metadata))


def put_change(storage: InMemoryStorage, large_bytes: int) -> None:
    failed = RunFailed(1, "x" * large_bytes, at(0))
    version = len(storage.events["c-1"]) + 1
    storage.add_event("c-1", RecordedEvent(version, at(0), CallState.PROCESSING_AI, failed))


def messages(frames: Sequence[Frame]) -> list[bytes]:
    """Put together from their fragments."""
    whole: list[bytes] = []
    parts: list[bytes] = []
    for frame in frames:
        if frame.opcode in (Opcode.TEXT, Opcode.CONTINUATION):
            assert (frame.opcode == Opcode.TEXT) == (not parts)
            parts.append(frame.payload)
            if frame.is_final:
                whole.append(b"".join(parts))
                parts = []
    return whole


def events_of(path: str, reader: LazyReader) -> list[str]:
    """The kinds of events that were received whole."""
    if path == SOCKET:
        return [orjson.loads(message)["event"] for message in messages(FrameReader().feed(reader.body))]
    lines = reader.body.splitlines()
    return [line.removeprefix(b"event: ").decode() for line in lines if line.startswith(b"event: ")]


@both_ways
async def test_who_takes_nothing_is_cut_off(path: str) -> None:
    async with feed_server(stalled_seconds=0.3) as server:
        put_large_calls(server.storage)
        async with server.lazy(path) as lazy:
            await until(lambda: server.is_stalled)
            await until(lambda: server.readers == 0, within_seconds=5)
            await lazy.read_to_the_end()
        assert len(lazy.received) < LARGE_BYTES


@both_ways
async def test_who_takes_none_of_what_is_sent_at_once_is_cut_off(path: str) -> None:
    """What it does not take must not heap up in the connection's buffer."""
    async with feed_server(stalled_seconds=0.3) as server, server.lazy(path) as lazy:
        await lazy.read_until(b"snapshot")
        async with asyncio.timeout(10):
            while server.readers:
                put_change(server.storage, SLICE_BYTES // 4)
                await asyncio.sleep(LOOK_SECONDS)


@both_ways
async def test_who_takes_a_large_snapshot_slowly_gets_it(path: str) -> None:
    """The limit is for each slice: all of it takes longer. Others' pings come between its frames."""
    async with feed_server(stalled_seconds=0.8) as server:
        put_large_calls(server.storage)
        began = asyncio.get_running_loop().time()
        async with server.lazy(path) as slow:
            while len(slow.received) < LARGE_BYTES:
                assert await slow.read_some(16_384)
                if path == SOCKET and len(slow.received) < LARGE_BYTES // 2:
                    await slow.send(client_frame(Opcode.PING, b"still there?"))
                await asyncio.sleep(0.004)
            took = asyncio.get_running_loop().time() - began
            await slow.read_until(b"overview")
            assert events_of(path, slow)[0] == "snapshot"
            assert server.readers == 1
        assert took > 0.8, "it was not slow"


async def test_a_large_snapshot_is_the_same_either_way() -> None:
    async with feed_server() as server, aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session:
        put_large_calls(server.storage)
        async with session.ws_connect(SOCKET, max_msg_size=0) as socket:
            message = orjson.loads(await socket.receive_str(timeout=10))
        async with session.get(STREAM, read_bufsize=2**22) as response:
            assert await response.content.readline() == b"retry: 2000\n"
            for expected in (b"\n", b"id: %s\n" % message["id"].encode(), b"event: snapshot\n"):
                assert await response.content.readline() == expected
            data = orjson.loads((await response.content.readline()).removeprefix(b"data: "))
    assert len(message["data"]["live"]) == LARGE_CALLS
    assert message["data"] | {"at": 0} == data | {"at": 0}


@both_ways
async def test_who_does_not_read_gets_a_snapshot_instead_of_what_it_missed(path: str) -> None:
    async with feed_server() as server, server.lazy(path) as lazy:
        await lazy.read_until(b"snapshot")
        while server.reader_states != ["lost"]:
            put_change(server.storage, MOST_WAITING_BYTES // 2)
            await asyncio.sleep(LOOK_SECONDS / 2)
        await lazy.read_until(b"snapshot", 2)
        await lazy.read_until(b"overview", lazy.received.count(b"overview") + 1)
        kinds = events_of(path, lazy)
        assert kinds.count("snapshot") == 2
        assert kinds.count("call") < len(server.storage.feed)


async def test_a_proxy_that_speaks_http_1_0_gets_no_chunks() -> None:
    """As nginx does where nobody told it otherwise."""
    async with feed_server() as server, server.lazy(STREAM, "HTTP/1.0") as proxy:
        await proxy.read_until(b"snapshot")
        put_change(server.storage, 10)
        await proxy.read_until(b"event: call\n")
        await proxy.read_until(b"event: overview\n")
        assert b"chunked" not in proxy.received
        names = {line.partition(b":")[0] for line in proxy.body.splitlines() if line}
        assert names == {b"retry", b"id", b"event", b"data"}


@both_ways
async def test_a_process_ends_though_a_reader_has_stalled(path: str) -> None:
    async with feed_server() as server:
        put_large_calls(server.storage)
        async with server.lazy(path):
            await until(lambda: server.is_stalled)
            async with asyncio.timeout(5):
                await server.runner.cleanup()
            await until(lambda: server.readers == 0, within_seconds=1)


class BrokenChunk(FeedChunk):
    @property
    def server_sent(self) -> NoReturn:
        raise RuntimeError("a fault of ours")

    frames = server_sent


@both_ways
async def test_a_fault_is_logged_and_ends_the_connection(path: str, caplog: pytest.LogCaptureFixture) -> None:
    async with (
        feed_server(chunk_of=lambda _: BrokenChunk(())) as server,
        aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session,
    ):
        if path == SOCKET:
            async with session.ws_connect(path) as socket:
                assert (await socket.receive(timeout=10)).data == aiohttp.WSCloseCode.INTERNAL_ERROR
        else:
            async with session.get(path) as response:
                with pytest.raises(aiohttp.ClientPayloadError):
                    await response.read()
        await until(lambda: server.readers == 0)
    assert [record.levelno for record in caplog.records if "a fault of ours" in str(record.exc_info)] == [
        logging.ERROR
    ]

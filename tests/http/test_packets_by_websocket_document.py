"""What docs/packets-by-websocket.md shows is true: its client works, and its bytes are a packet."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from domain.packet import IncomingPacket
from entrypoints.http.packet_frames import packets_of_frame
from tests.databases import Databases
from tests.http.database_proxy import DatabaseProxy
from tests.http.described_client import DescribedClient
from tests.http.readiness import until_ready
from tests.http.running_service import RunningService, running_service

DOCUMENT = (Path(__file__).parents[2] / "docs" / "packets-by-websocket.md").read_text("utf-8")
AUDIO = {"encoding": "audio/x-mulaw", "sample_rate_hz": 8000, "channels": 1}


@pytest.fixture(scope="module")
def proxy() -> DatabaseProxy:
    return DatabaseProxy()


@pytest.fixture(scope="module")
def service(databases: Databases, proxy: DatabaseProxy) -> Iterator[RunningService]:
    """With a way to the database that can be cut."""
    with running_service(databases, proxy.reach) as service:
        yield service


@pytest.fixture
def deliver() -> Any:
    (source,) = re.findall(r"^```python\n(.*?)^```$", DOCUMENT, flags=re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    exec(compile(source, "packets-by-websocket.md", "exec"), names)  # noqa: S102 # it is ours
    assert names["PAUSE_SECONDS"] == 1
    names["PAUSE_SECONDS"] = 0.01
    return names["deliver"]


@asynccontextmanager
async def cutting_relay(service: RunningService, *bytes_before_cut: int) -> AsyncIterator[str]:
    """A way to the service on which each of the first connections is cut after so many bytes."""
    cuts = list(bytes_before_cut)
    relays: set[asyncio.Task[None]] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: float) -> None:
        with suppress(ConnectionError):
            while most > 0 and (chunk := await reader.read(1_000)):
                writer.write(chunk)
                await writer.drain()
                most -= len(chunk)
        writer.transport.abort()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(service.host, service.port)
        most = cuts.pop(0) if cuts else float("inf")
        for one in (pump(reader, there[1], most), pump(there[0], writer, float("inf"))):
            relays.add(asyncio.create_task(one))

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        server.close()
        await asyncio.gather(*relays)


async def test_the_client_delivers_everything_though_it_is_cut_off_again_and_again(
    service: RunningService, client: DescribedClient, call_id: str, deliver: Any
) -> None:
    await client.init(call_id, media=AUDIO)
    packets = {sequence: (sequence / 50, bytes([sequence % 256]) * 160) for sequence in range(1, 1_001)}
    async with cutting_relay(service, 10, 20_000, 100_000) as url, asyncio.timeout(20):
        await deliver(f"{url}/v1/call/stream/{call_id}/ws", packets)
    (stream,) = (await client.call(call_id))["streams"]
    assert stream | {"duplicates": 0} == {
        "stream": "main",
        "received": 1_000,
        "duplicates": 0,
        "next_expected": 1_001,
        "missing": [],
        "duration_seconds": 20.0,
    }


async def test_the_client_delivers_everything_while_the_database_is_away(
    service: RunningService,
    client: DescribedClient,
    proxy: DatabaseProxy,
    call_id: str,
    deliver: Any,
) -> None:
    await client.init(call_id, media=AUDIO)
    packets = {sequence: (sequence / 50, bytes([sequence % 256]) * 160) for sequence in range(1, 1_001)}
    service.run(proxy.cut())
    try:
        async with cutting_relay(service, 10, 20_000, 100_000) as url, asyncio.timeout(20):
            await deliver(f"{url}/v1/call/stream/{call_id}/ws", packets)
    finally:
        service.run(proxy.restore())
    await until_ready(client)
    (stream,) = (await client.call(call_id))["streams"]
    assert (stream["received"], stream["missing"]) == (1_000, [])


async def test_the_client_tells_what_was_refused(service: RunningService, call_id: str, deliver: Any) -> None:
    url = f"{service.url}/v1/call/stream/{call_id}/ws"
    with pytest.raises(ValueError, match="refused: packet 3 of main: data: is not UTF-8"):
        await deliver(url, {1: (0.0, b"x"), 2: (0.0, b"y"), 3: (0.0, b"\xff")})


async def test_the_client_does_not_try_for_ever_what_cannot_be(service: RunningService, deliver: Any) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await deliver(f"{service.url}/v1/call/stream/a%20b/ws", {1: (0.0, b"x")})


def test_the_bytes_are_the_packet() -> None:
    (shown,) = re.findall(r"^    ((?:[0-9a-f]{2} +){8,}.*)$", DOCUMENT, flags=re.MULTILINE)
    assert packets_of_frame("c-1", "main", bytes.fromhex(shown)) == [
        IncomingPacket("c-1", "main", 258, 1.5, b"\xff\xff")
    ]

"""People who have the page open: connections that read the feed, in a process of their own.

`python -m benchmarks.load.feed_readers WAY PORT COUNT FILE` reads until SIGTERM, and then writes to the file
what it saw, as JSON. `ready` is written to standard output once all have their snapshot. WAY is `events`, as
a browser's EventSource reads, or `websocket`.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from time import time
from typing import Final, cast

import attrs
import uvloop

from benchmarks.latencies import Histogram
from benchmarks.load.websocket_frames import FrameReader, Opcode, client_frame

_STARTED: Final = re.compile(rb'"event":"call_started","at":"([^"]+)"')


@attrs.frozen(kw_only=True)
class FeedSeen:
    """Calls that started, as all readers were told: how long after the database's time of each.

    ``fewest`` and ``most`` are how many one reader was told. ``snapshots`` are more than ``readers`` where
    some were too slow.
    """

    readers: int
    snapshots: int
    fewest: int
    most: int
    p50_ms: float
    p99_ms: float
    max_ms: float


class _Reader(asyncio.Protocol):
    """Looks for what it counts in the bytes of whole events."""

    request: bytes
    snapshot: bytes

    def __init__(self, histogram: Histogram) -> None:
        self._histogram = histogram
        self._transport: asyncio.WriteTransport | None = None
        self.snapshots = 0
        self.started = 0
        self.has_begun = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's has its methods, not its class
        self._transport.write(self.request)

    def _hear(self, events: bytes) -> None:
        now = time()
        snapshots = events.count(self.snapshot)
        if snapshots:
            self.snapshots += snapshots
            self.has_begun.set()
        for at in _STARTED.findall(events):
            self.started += 1
            self._histogram.add(now - datetime.fromisoformat(at.decode()).timestamp())


class _StreamReader(_Reader):
    """Of server-sent events, headers and chunks and all."""

    request = b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"
    snapshot = b"event: snapshot"
    _rest = b""

    def data_received(self, data: bytes) -> None:
        seen = self._rest + data
        end = seen.rfind(b"\n\n") + 1
        self._rest = seen[end:]
        self._hear(seen[:end])


class _SocketReader(_Reader):
    """Of a WebSocket's messages. It answers pings."""

    request = (
        b"GET /v1/events/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    snapshot = b'"event":"snapshot"'

    def __init__(self, histogram: Histogram) -> None:
        super().__init__(histogram)
        self._frames = FrameReader()
        self._head: bytes | None = b""

    def data_received(self, data: bytes) -> None:
        if self._head is not None:
            head, end, data = (self._head + data).partition(b"\r\n\r\n")
            self._head = None if end else head
        for frame in self._frames.feed(data):
            if frame.opcode == Opcode.PING and self._transport is not None:
                self._transport.write(client_frame(Opcode.PONG, frame.payload))
            else:
                self._hear(frame.payload)


_READERS: Final[Mapping[str, type[_Reader]]] = {"events": _StreamReader, "websocket": _SocketReader}


def _itself(reader: _Reader) -> _Reader:
    return reader


async def _read(way: str, port: int, count: int) -> FeedSeen:
    histogram = Histogram()
    readers = [_READERS[way](histogram) for _ in range(count)]
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    for reader in readers:
        await loop.create_connection(partial(_itself, reader), "127.0.0.1", port)
    for reader in readers:
        await reader.has_begun.wait()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await over.wait()
    return FeedSeen(
        readers=count,
        snapshots=sum(reader.snapshots for reader in readers),
        fewest=min(reader.started for reader in readers),
        most=max(reader.started for reader in readers),
        p50_ms=histogram.percentile_ms(0.5),
        p99_ms=histogram.percentile_ms(0.99),
        max_ms=round(1000 * histogram.longest_seconds, 1),
    )


if __name__ == "__main__":
    os.nice(10)  # people's browsers run on machines of their own
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(_read(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
    Path(sys.argv[4]).write_text(json.dumps(attrs.asdict(result)), "utf-8")

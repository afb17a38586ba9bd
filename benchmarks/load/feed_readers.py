"""People who have the page open: connections that read the feed, in a process of their own.

`python -m benchmarks.load.feed_readers WAY PORT COUNT FILE` reads until SIGTERM, and then writes to the file
what it saw, as JSON. `ready` is written to standard output once all have their snapshot. WAY is `events`, as
a browser's EventSource reads, or `websocket`.

People's browsers run on machines of their own: what they do with events must not take the service's
processors. So one in ten looks at once, and tells how long events took. For the others what comes waits in
the kernel's buffer, to be read and counted when all is over; the service cannot tell the difference.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from time import time
from typing import Final, cast

import attrs
import uvloop

from benchmarks.latencies import Histogram
from benchmarks.load.websocket_frames import FrameReader, Opcode, client_frame

_ONE_LOOKS_AT_ONCE_OF: Final = 10
_BUFFER_BYTES: Final = 2**21
"""Of each connection in the kernel: for half a minute and more."""
_CATCH_UP_SECONDS: Final = 1
_SHOW_LIFE_SECONDS: Final = 20
"""The service asks after a minute of silence, and waits half of one."""
_STARTED: Final = re.compile(rb'"event":"call_started","at":"([^"]+)"')


@attrs.frozen(kw_only=True)
class FeedSeen:
    """Calls that started: how long after the database's time of each those were told who look at once.

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


class _Reader(asyncio.Protocol, ABC):
    """Keeps what it is sent and when; what that was is looked at when all is over."""

    request: bytes
    snapshot: bytes

    def __init__(self, *, looks_at_once: bool) -> None:
        self.looks_at_once = looks_at_once
        self._transport: asyncio.Transport | None = None
        self._heard: list[tuple[float, bytes]] = []
        self.has_begun = asyncio.Event()
        self.snapshots = 0
        self.started = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's has its methods, not its class
        self._transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self._heard.append((time(), data))
        if not self.has_begun.is_set() and self.snapshot in b"".join(heard for _, heard in self._heard):
            self.has_begun.set()
            if not self.looks_at_once and self._transport is not None:
                self._transport.pause_reading()

    def catch_up(self) -> None:
        if not self.looks_at_once and self._transport is not None:
            self._transport.resume_reading()

    def show_life(self) -> None:
        """Where the service asks for it."""

    def count(self, histogram: Histogram) -> None:
        for at, data in self._heard:
            for events in self._whole_events(data):
                self.snapshots += events.count(self.snapshot)
                for started in _STARTED.findall(events):
                    self.started += 1
                    if self.looks_at_once:
                        histogram.add(at - datetime.fromisoformat(started.decode()).timestamp())

    @abstractmethod
    def _whole_events(self, data: bytes) -> Iterable[bytes]:
        """Those that end in ``data``."""


class _StreamReader(_Reader):
    """Of server-sent events, headers and chunks and all."""

    request = b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"
    snapshot = b"event: snapshot"
    _rest = b""

    def _whole_events(self, data: bytes) -> Iterable[bytes]:
        seen = self._rest + data
        end = seen.rfind(b"\n\n") + 1
        self._rest = seen[end:]
        return (seen[:end],)


class _SocketReader(_Reader):
    """Of a WebSocket's messages."""

    request = (
        b"GET /v1/events/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    snapshot = b'"event":"snapshot"'

    def __init__(self, *, looks_at_once: bool) -> None:
        super().__init__(looks_at_once=looks_at_once)
        self._frames = FrameReader()
        self._head: bytes | None = b""

    def show_life(self) -> None:
        """A pong that nobody asked for (RFC 6455, 5.5.3) does for one that was."""
        if self._transport is not None:
            self._transport.write(client_frame(Opcode.PONG, b""))

    def _whole_events(self, data: bytes) -> Iterable[bytes]:
        if self._head is not None:
            head, end, data = (self._head + data).partition(b"\r\n\r\n")
            self._head = None if end else head
        return [frame.payload for frame in self._frames.feed(data)]


_READERS: Final[Mapping[str, type[_Reader]]] = {"events": _StreamReader, "websocket": _SocketReader}


def _itself(reader: _Reader) -> _Reader:
    return reader


async def _read(way: str, port: int, count: int) -> FeedSeen:
    readers = [_READERS[way](looks_at_once=not number % _ONE_LOOKS_AT_ONCE_OF) for number in range(count)]
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    for reader in readers:
        await loop.create_connection(partial(_itself, reader), sock=await _connected(port))
    for reader in readers:
        await reader.has_begun.wait()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await _until(over, readers)
    for reader in readers:
        reader.catch_up()
    await asyncio.sleep(_CATCH_UP_SECONDS)
    histogram = Histogram()
    for reader in readers:
        reader.count(histogram)
    return FeedSeen(
        readers=count,
        snapshots=sum(reader.snapshots for reader in readers),
        fewest=min(reader.started for reader in readers),
        most=max(reader.started for reader in readers),
        p50_ms=histogram.percentile_ms(0.5),
        p99_ms=histogram.percentile_ms(0.99),
        max_ms=round(1000 * histogram.longest_seconds, 1),
    )


async def _connected(port: int) -> socket.socket:
    connecting = socket.socket()
    connecting.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
    connecting.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connecting, ("127.0.0.1", port))
    return connecting


async def _until(over: asyncio.Event, readers: Sequence[_Reader]) -> None:
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(_SHOW_LIFE_SECONDS):
                await over.wait()
                return
        for reader in readers:
            reader.show_life()


if __name__ == "__main__":
    os.nice(10)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(_read(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
    Path(sys.argv[4]).write_text(json.dumps(attrs.asdict(result)), "utf-8")

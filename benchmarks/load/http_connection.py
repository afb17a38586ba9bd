"""One keep-alive connection that costs little: requests are ready bytes, answers are cut by their length."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, Final, cast

OnAnswer = Callable[[int, bytes], None]
"""Gets the status and the body."""

_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_HEAD_END: Final = b"\r\n\r\n"


class LoadFailed(Exception):
    """The server did what no client can measure: hung up in the middle, or answered without a length."""


def request(method: str, path: str, body: bytes = b"", content_type: str = "application/json") -> bytes:
    """The bytes of a request."""
    headers = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    if body or method == "POST":
        headers += f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
    return headers.encode() + b"\r\n" + body


class HttpConnection(asyncio.Protocol):
    """Asks one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._on_answer: OnAnswer | None = None
        self.ended: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        """Done when the connection can no longer be used, with the reason."""

    @classmethod
    async def open(cls, port: int) -> HttpConnection:
        _, connection = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return connection

    def ask(self, request: bytes, on_answer: OnAnswer) -> None:
        assert self._on_answer is None, "the answer before is still to come"
        assert self._transport is not None
        self._on_answer = on_answer
        self._transport.write(request)

    async def answer(self, request: bytes) -> tuple[int, bytes]:
        """Status and body. Raises LoadFailed."""
        answered: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self.ask(request, lambda status, body: answered.set_result((status, body)))
        either: set[asyncio.Future[Any]] = {answered, self.ended}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not answered.done():
            raise self.ended.result()
        return answered.result()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's has its methods, not its class

    def data_received(self, data: bytes) -> None:
        self._received += data
        try:
            cut = first_answer(self._received)
        except LoadFailed as error:
            self._end(error)
            self.close()
            return
        if cut is None or self._on_answer is None:
            return
        status, body, self._received = cut
        on_answer, self._on_answer = self._on_answer, None
        on_answer(status, body)

    def connection_lost(self, error: Exception | None) -> None:
        self._end(LoadFailed(f"the server hung up{f': {error}' if error else ''}"))

    def _end(self, error: Exception) -> None:
        if not self.ended.done():
            self.ended.set_result(error)


def first_answer(data: bytes) -> tuple[int, bytes, bytes] | None:
    """Status, body and what follows; None where it is not all there. Raises LoadFailed."""
    head_end = data.find(_HEAD_END)
    if head_end < 0:
        return None
    length = _LENGTH.search(data, 0, head_end + 2)
    if length is None:
        raise LoadFailed("an answer without Content-Length")
    start = head_end + len(_HEAD_END)
    end = start + int(length[1])
    return (int(data[9:12]), data[start:end], data[end:]) if len(data) >= end else None

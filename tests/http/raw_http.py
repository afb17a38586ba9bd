"""Requests byte by byte, for what a well-behaved client would not send."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from multidict import CIMultiDict

from tests.http.answer import Answer
from tests.http.running_service import RunningService


def request_bytes(method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: trunkline", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


async def read_answer(reader: asyncio.StreamReader, *, has_body: bool = True) -> Answer:
    """One answer; a `100 Continue` before it is passed over."""
    while True:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ")[1])
        if status != 100:
            break
    fields = (line.partition(": ") for line in head[1:] if line)
    headers = CIMultiDict((name, value) for name, _, value in fields)
    length = int(headers.get("Content-Length", "0")) if has_body else 0
    return Answer(status, headers, await reader.readexactly(length))


async def exchange(service: RunningService, sent: bytes, *, has_body: bool = True) -> Answer:
    """What the service answers to these bytes, within ten seconds."""
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(service.host, service.port)
        try:
            writer.write(sent)
            await writer.drain()
            return await read_answer(reader, has_body=has_body)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

"""A client that goes away: in the middle of its request, or before the answer."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from faults.wire_request import WireRequest

CONNECT_SECONDS: Final = 5


async def send_and_hang_up(url: str, request: WireRequest, dice: random.Random) -> str:
    """Sends the request's first bytes, or all of them, and breaks the connection; how far it came."""
    address = urlsplit(url)
    head = (
        f"{request.method} {request.path} HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Content-Type: {request.content_type}\r\nContent-Length: {len(request.payload)}\r\n\r\n"
    )
    whole = head.encode() + request.payload
    sent = len(whole) if dice.random() < 0.5 else dice.randrange(len(whole))
    lingers_seconds = dice.choice((0.0, 0.002, 0.01))
    resets = dice.random() < 0.5
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(address.hostname, address.port)
    except OSError as error:
        return type(error).__name__
    with suppress(OSError):
        writer.write(whole[:sent])
        await writer.drain()
        await asyncio.sleep(lingers_seconds)
    writer.transport.abort() if resets else writer.close()
    return f"hung up after {sent} of {len(whole)} bytes"

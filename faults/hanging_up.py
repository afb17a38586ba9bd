"""A client that goes away: in the middle of its request, or before the answer."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

CONNECT_SECONDS: Final = 5


async def send_and_hang_up(url: str, method: str, path: str, body: bytes, dice: random.Random) -> str:
    """Sends the request's first bytes, or all of them, and breaks the connection; how far it came."""
    address = urlsplit(url)
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    request = head.encode() + body
    sent = len(request) if dice.random() < 0.5 else dice.randrange(len(request))
    lingers_seconds = dice.choice((0.0, 0.002, 0.01))
    resets = dice.random() < 0.5
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(address.hostname, address.port)
    except OSError as error:
        return type(error).__name__
    with suppress(OSError):
        writer.write(request[:sent])
        await writer.drain()
        await asyncio.sleep(lingers_seconds)
    writer.transport.abort() if resets else writer.close()
    return f"hung up after {sent} of {len(request)} bytes"

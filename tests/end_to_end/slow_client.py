"""A client that does not get on with its request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


@asynccontextmanager
async def half_sent_request(url: str) -> AsyncIterator[asyncio.StreamReader]:
    """Of a client that is slow; what it would be answered can be read."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = "POST /v1/call/stream/half HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    writer.write(f'{head}Content-Length: 1000\r\n\r\n{{"sequence"'.encode())
    await writer.drain()
    try:
        yield reader
    finally:
        writer.transport.abort()

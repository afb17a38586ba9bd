"""A way to the database that can be cut, and that can lose the answer to a commit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum
from urllib.parse import parse_qs, urlsplit

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Commits(Enum):
    PASS = "pass"
    NEVER_ARRIVE = "never arrive"
    ARE_NOT_ANSWERED = "are not answered"


class DatabaseProxy:
    """Lives in the service's loop: whoever is elsewhere calls :meth:`cut` by ``service.run``."""

    def __init__(self) -> None:
        self.commits = Commits.PASS
        self._is_up = True
        self._is_silent = False
        self._clients: set[asyncio.StreamWriter] = set()
        self.database_url = ""

    @asynccontextmanager
    async def reach(self, database_url: str) -> AsyncIterator[str]:
        self.database_url = database_url
        server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()[:2]
        url = urlsplit(database_url)
        try:
            yield f"{url.scheme}://{url.username}:{url.password or ''}@{host}:{port}{url.path}"
        finally:
            server.close()
            await self.cut()

    async def cut(self) -> None:
        """The database is gone: every connection breaks, and no new one is made."""
        self._is_up = False
        for client in self._clients:
            client.transport.abort()

    async def silence(self) -> None:
        """The database is a black hole: connections are made and stay, and nothing gets through."""
        self._is_silent = True

    async def restore(self) -> None:
        """Connections that were silent have lost something, and break."""
        if self._is_silent:
            await self.cut()
        self._is_silent = False
        self._is_up = True

    async def _relay(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        if not self._is_up:
            to_client.transport.abort()
            return
        self._clients.add(to_client)
        from_server, to_server = await self._connect()
        back = asyncio.create_task(self._copy(from_server, to_client))
        with suppress(OSError):
            while chunk := await from_client.read(65536):
                if b"COMMIT\0" in chunk.replace(b";", b"") and self.commits is not Commits.PASS:
                    back.cancel()
                    await self._lose(chunk, from_server, to_server)
                    break
                if not self._is_silent:
                    to_server.write(chunk)
        to_client.transport.abort()
        to_server.close()
        await asyncio.wait({back})
        self._clients.discard(to_client)

    async def _lose(self, commit: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.commits is Commits.ARE_NOT_ANSWERED:
            await asyncio.sleep(0)  # lets go of the reader whoever copied its answers
            writer.write(commit)
            await reader.readexactly(1)
        self.commits = Commits.PASS

    async def _connect(self) -> Streams:
        url = urlsplit(self.database_url)
        folder = parse_qs(url.query).get("host")
        if folder:
            return await asyncio.open_unix_connection(f"{folder[0]}/.s.PGSQL.5432")
        return await asyncio.open_connection(url.hostname, url.port or 5432)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(65536):
                if writer.is_closing():  # what is cut takes nothing more: uvloop calls that a RuntimeError
                    break
                if not self._is_silent:
                    writer.write(chunk)
        writer.transport.abort()

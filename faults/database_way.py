"""A TCP way from the service to PostgreSQL that can be cut, go dark, and lose the answer to a commit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, Literal
from urllib.parse import parse_qs, urlsplit, urlunsplit

import attrs

NextCommit = Literal["passes", "never arrives", "is not answered"]
_COMMIT: Final = b"COMMIT"
_CHUNK_BYTES: Final = 65_536


@attrs.define(eq=False)
class DatabaseWay:
    """``next_commit`` is what the next COMMIT on any connection meets; that connection is then cut.

    One that never arrives is never heard of by the server; one that is not answered is carried out.
    ``tell`` hears of each when it happens.
    """

    _server_url: str
    _tell: Callable[[str], None]
    next_commit: NextCommit = "passes"
    url: str = attrs.field(default="", init=False)
    _is_open: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _links: set[_Link] = attrs.field(factory=set, init=False)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[DatabaseWay]:
        self._is_open.set()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        parts = urlsplit(self._server_url)
        login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        port = server.sockets[0].getsockname()[1]
        self.url = urlunsplit(parts._replace(netloc=f"{login}127.0.0.1:{port}", query="sslmode=disable"))
        try:
            yield self
        finally:
            server.close()
            self.cut()

    def cut(self) -> None:
        """Every connection breaks, wherever it is; new ones go through."""
        for link in tuple(self._links):
            link.abort()

    def go_dark(self) -> None:
        """From now on nothing gets through, though no connection breaks."""
        self._is_open.clear()

    def come_back(self) -> None:
        """What was held up gets through, in order."""
        self._is_open.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await self._connect()
        except OSError:
            writer.transport.abort()
            return
        link = _Link(self, reader, writer, server_reader, server_writer)
        self._links.add(link)
        try:
            async with asyncio.TaskGroup() as both_ways:
                both_ways.create_task(link.to_server())
                both_ways.create_task(link.to_client())
        except* (OSError, _Over):
            pass
        finally:
            self._links.discard(link)
            link.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self._server_url)
        folder = parse_qs(parts.query).get("host", [""])[0]
        if folder.startswith("/"):
            return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{parts.port or 5432}")
        return await asyncio.open_connection(parts.hostname, parts.port or 5432)

    async def until_open(self) -> None:
        await self._is_open.wait()

    def take_fate(self) -> NextCommit:
        fate, self.next_commit = self.next_commit, "passes"
        if fate != "passes":
            self._tell(f"a commit {fate}")
        return fate


class _Over(Exception):
    """One end has closed, or the connection is cut."""


@attrs.define(eq=False)
class _Link:
    _way: DatabaseWay
    _from_client: asyncio.StreamReader
    _to_client: asyncio.StreamWriter
    _from_server: asyncio.StreamReader
    _to_server: asyncio.StreamWriter
    _is_mute: bool = False
    _answered: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def to_server(self) -> None:
        while sent := await self._from_client.read(_CHUNK_BYTES):
            await self._way.until_open()
            if _COMMIT in sent and (fate := self._way.take_fate()) != "passes":
                await self._meet(fate, sent)
            self._to_server.write(sent)
            await self._to_server.drain()
        raise _Over

    async def _meet(self, fate: NextCommit, commit: bytes) -> None:
        if fate == "is not answered":
            self._is_mute = True
            self._to_server.write(commit)
            await self._answered.wait()
        raise _Over

    async def to_client(self) -> None:
        while answer := await self._from_server.read(_CHUNK_BYTES):
            await self._way.until_open()
            if self._is_mute:
                self._answered.set()
                continue
            self._to_client.write(answer)
            await self._to_client.drain()
        raise _Over

    def abort(self) -> None:
        for writer in (self._to_client, self._to_server):
            writer.transport.abort()

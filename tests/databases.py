"""PostgreSQL for tests: one server, one template database that is migrated once, and copies of it."""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import attrs

from adapters.postgres.embedded_server import embedded_postgres
from adapters.postgres.packet_days import PostgresPacketDays
from adapters.postgres.pool import connect, open_pool
from adapters.postgres.schema import migrate_to_latest
from tests.fakes.clock import FakeClock

VAR_TMP = Path("/var/tmp")  # noqa: S108 # a folder of its own is made in it


@contextmanager
def server_folder() -> Iterator[Path]:
    """A folder for an embedded server: its path is short enough for a socket, and open to any user."""
    with tempfile.TemporaryDirectory(
        prefix="trunkline-", dir=VAR_TMP if VAR_TMP.is_dir() else None
    ) as folder:
        yield Path(folder)


@contextmanager
def embedded_test_server() -> Iterator[str]:
    """Without fsync: no test here takes the power away, and databases come and go by the hundred."""
    with server_folder() as folder, embedded_postgres(folder) as url:
        for statement in ("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"):
            run_apart(_execute(url, statement))
        yield url


@attrs.define(eq=False)
class Databases:
    """Databases on one server, made from a template that is migrated once.

    Making one takes a quarter of a second, emptying one a few milliseconds: so they are lent out again.
    """

    server_url: str
    template: str
    _free: list[str] = attrs.field(factory=list, init=False)
    _made: list[str] = attrs.field(factory=list, init=False)

    @asynccontextmanager
    async def empty(self) -> AsyncIterator[str]:
        """The URL of a migrated database with no rows. Its schema must be left as it is."""
        name = self._free.pop() if self._free else await self._make(self.template)
        yield database_at(self.server_url, name)
        await _empty(database_at(self.server_url, name))
        self._free.append(name)

    @asynccontextmanager
    async def to_change(self) -> AsyncIterator[str]:
        """The URL of a migrated database with no rows, whose schema may be changed."""
        yield database_at(self.server_url, await self._make(self.template))

    @asynccontextmanager
    async def unmigrated(self) -> AsyncIterator[str]:
        """The URL of a database with no schema, to do with as one likes."""
        name = await self._make("template0")
        yield database_at(self.server_url, name)

    @asynccontextmanager
    async def copy_of(self, url: str) -> AsyncIterator[str]:
        """The URL of a copy of such a database, which nobody may be connected to."""
        yield database_at(self.server_url, await self._make(urlsplit(url).path.lstrip("/")))

    async def _make(self, template: str) -> str:
        name = _scratch_name()
        await _execute(self.server_url, f"CREATE DATABASE {name} TEMPLATE {template}")
        self._made.append(name)
        return name

    def drop_all(self) -> None:
        for name in [*self._made, self.template]:
            run_apart(_execute(self.server_url, f"DROP DATABASE {name} WITH (FORCE)"))


@contextmanager
def databases_on(server_url: str) -> Iterator[Databases]:
    databases = Databases(server_url, _scratch_name())
    run_apart(_execute(server_url, f"CREATE DATABASE {databases.template} TEMPLATE template0"))
    try:
        run_apart(_migrate(database_at(server_url, databases.template)))
        yield databases
    finally:
        databases.drop_all()


def database_at(server_url: str, name: str) -> str:
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


def run_apart(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end in a thread of its own, whatever loop this one has."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


async def _migrate(url: str) -> None:
    """With room for packets of calls that start now, or on the day of the clock that stands still."""
    connection = await connect(url)
    try:
        await migrate_to_latest(connection)
    finally:
        await connection.close()
    pool = await open_pool(url, largest=1)
    try:
        days = PostgresPacketDays(pool)
        await days.prepare([FakeClock().now.date(), await days.today()])
    finally:
        await pool.close()


async def _empty(url: str) -> None:
    """Truncate every table but the record of migrations, whoever may still be connected."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        tables = await connection.fetchval(
            "SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables"
            " WHERE schemaname = 'public' AND tablename NOT LIKE E'\\\\_pogo%'"
        )
        await connection.execute(f"TRUNCATE {tables}")
    finally:
        await connection.close()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _scratch_name() -> str:
    return f"trunkline_test_{uuid.uuid4().hex[:16]}"

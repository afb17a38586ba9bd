"""A PostgreSQL of the experiments' own, to be killed and started again."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from faults.processes import PROJECT, NotReady

_PROC: Final = Path("/proc")
DEAD_WITHIN_SECONDS: Final = 10
RECOVERS_WITHIN_SECONDS: Final = 30

# Statements that ask for the time, the service's and its libraries' alike, name these functions without their
# schema, and so find the first on the path. New tables, which go into the first schema of it, stay in public.
PUT_CLOCK_OFF: Final = """
    CREATE SCHEMA clock_off;
    CREATE FUNCTION clock_off.now() RETURNS timestamptz STABLE LANGUAGE sql
        AS $$ SELECT pg_catalog.now() + make_interval(secs => {ahead_seconds}) $$;
    CREATE FUNCTION clock_off.clock_timestamp() RETURNS timestamptz VOLATILE LANGUAGE sql
        AS $$ SELECT pg_catalog.clock_timestamp() + make_interval(secs => {ahead_seconds}) $$;
    ALTER DATABASE "{name}" SET search_path = public, clock_off, pg_catalog;
"""


class KillablePostgres:
    """A server on ``folder``, held by a process of its own that dies with it.

    What it serves is durable, or :meth:`start` raises.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._holder: asyncio.subprocess.Process | None = None
        self.url = ""

    async def start(self) -> None:
        """By a new holder, as any process of Trunkline's would. Raises NotReady."""
        with (self._folder / "postgres-holder.log").open("ab") as log:
            self._holder = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "faults.postgres_holder",
                str(self._folder),
                cwd=PROJECT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log.fileno(),
                start_new_session=True,  # Ctrl-C is ours to pass on
            )
        assert self._holder.stdout is not None
        self.url = (await self._holder.stdout.readline()).decode().strip()
        if not self.url:
            raise NotReady("PostgreSQL did not start: see postgres-holder.log")
        connection = await asyncpg.connect(self.url)
        try:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                assert await connection.fetchval(f"SHOW {setting}") == "on", setting
        finally:
            await connection.close()

    async def kill(self) -> None:
        """Every process of it, and its holder, by SIGKILL; all are gone on return."""
        postmaster = self._postmaster()
        os.kill(postmaster, signal.SIGSTOP)  # or it would start others meanwhile
        processes = [postmaster, *_children_of(postmaster)]
        for process in processes:
            os.kill(process, signal.SIGKILL)
        await self._until_gone(processes)

    async def stop_fast(self) -> None:
        """As `pg_ctl stop -m fast` does: sessions are told and ended, and a checkpoint is made."""
        postmaster = self._postmaster()
        processes = [postmaster, *_children_of(postmaster)]
        os.kill(postmaster, signal.SIGINT)
        await self._until_gone(processes)

    async def use_up_log(self) -> None:
        """Have it begin segment after segment of its write-ahead log, until its disk has no room for one.

        It dies of that, and cannot start before there is room.
        """
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            connection = await asyncpg.connect(self.url)
            while True:
                await connection.execute("SELECT pg_logical_emit_message(false, 'f', 'f'), pg_switch_wal()")

    async def recover(self) -> bool:
        """Returns once it serves; starts it where it has died by itself. Whether it had. Raises NotReady."""
        async with asyncio.timeout(RECOVERS_WITHIN_SECONDS):
            while self._lives():
                with suppress(OSError, asyncpg.PostgresError):
                    await (await asyncpg.connect(self.url)).close()
                    return False
                await asyncio.sleep(0.05)
        await self._until_gone([])
        await self.start()
        return True

    def _lives(self) -> bool:
        try:
            return _is_alive(self._postmaster())
        except FileNotFoundError:
            return False

    def _postmaster(self) -> int:
        return int((self._folder / "postgres" / "postmaster.pid").read_text("utf-8").split("\n", 1)[0])

    async def _until_gone(self, processes: Sequence[int]) -> None:
        """And the holder too, who has nothing to hold any more."""
        assert self._holder is not None, "it was never started"
        self._holder.kill()
        await self._holder.wait()
        async with asyncio.timeout(DEAD_WITHIN_SECONDS):
            while any(_is_alive(process) for process in processes):  # noqa: ASYNC110 # no event tells of it
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Its holder lets go of it; harmless where it is dead."""
        if self._holder is not None and self._holder.returncode is None:
            await self._holder.communicate(b"")  # which ends its input

    async def set(self, setting: str, value: str) -> None:
        """For all databases, from now on, over restarts too."""
        await _execute(self.url, f"ALTER SYSTEM SET {setting} = '{value}'")
        await _execute(self.url, "SELECT pg_reload_conf()")

    async def make_database(self, name: str, ahead_seconds: float = 0.0) -> str:
        """The URL of a new and empty one. Its clock is so far ahead of this machine's, or behind it."""
        url = urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))
        await _execute(self.url, f'CREATE DATABASE "{name}"')
        # So that a deadlock is seen as one before the service gives up on its transaction.
        await _execute(url, f"ALTER DATABASE \"{name}\" SET deadlock_timeout = '100ms'")
        if ahead_seconds:
            await _execute(url, PUT_CLOCK_OFF.format(name=name, ahead_seconds=ahead_seconds))
        return url


async def _execute(url: str, statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statements)
    finally:
        await connection.close()


@asynccontextmanager
async def running_postgres(folder: Path) -> AsyncIterator[KillablePostgres]:
    postgres = KillablePostgres(folder)
    await postgres.start()
    try:
        yield postgres
    finally:
        await postgres.stop()


def _children_of(parent: int) -> list[int]:
    return [process for process, status in _all_processes() if int(status[1]) == parent]


def _is_alive(process: int) -> bool:
    """A zombie holds nothing any more; who reaps it is no matter."""
    try:
        return _status(process)[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _all_processes() -> list[tuple[int, list[str]]]:
    found = []
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            try:
                found.append((int(folder.name), _status(int(folder.name))))
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended meanwhile
    return found


def _status(process: int) -> list[str]:
    """State, parent and what follows them in /proc/PID/stat; see proc_pid_stat(5)."""
    return (_PROC / str(process) / "stat").read_text().rpartition(")")[2].split()

"""A PostgreSQL of the experiments' own, to be killed and started again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from adapters.postgres.embedded_server import embedded_postgres

_PROC: Final = Path("/proc")
DEAD_WITHIN_SECONDS: Final = 10


class KillablePostgres:
    """Holds the server on ``folder``; what it serves is durable, or :meth:`start` raises."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held = ExitStack()
        self.url = ""

    async def start(self) -> None:
        self.url = await asyncio.to_thread(self._held.enter_context, embedded_postgres(self._folder))
        connection = await asyncpg.connect(self.url)
        try:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                assert await connection.fetchval(f"SHOW {setting}") == "on", setting
        finally:
            await connection.close()

    async def kill(self) -> None:
        """Every process of it, by SIGKILL; all are gone on return."""
        postmaster = int((self._folder / "postgres" / "postmaster.pid").read_text("utf-8").split("\n", 1)[0])
        os.kill(postmaster, signal.SIGSTOP)  # or it would start others meanwhile
        processes = [postmaster, *_children_of(postmaster)]
        for process in processes:
            os.kill(process, signal.SIGKILL)
        async with asyncio.timeout(DEAD_WITHIN_SECONDS):
            while any(_is_alive(process) for process in processes):
                await asyncio.sleep(0.01)
        await self.stop()

    async def stop(self) -> None:
        """As its last holder; harmless where it is dead."""
        await asyncio.to_thread(self._held.close)

    async def make_database(self, name: str) -> str:
        """The URL of a new and empty one."""
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(f'CREATE DATABASE "{name}"')
        finally:
            await connection.close()
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))


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

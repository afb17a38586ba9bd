"""The HTTP servers under test: each a process of its own, with a database of its own."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
import attrs

from benchmarks.bench import PROJECT, Bench

READY_SECONDS: Final = 60
STOP_SECONDS: Final = 30


class ServerFailed(Exception):
    """It ended, or did not become ready. The message is the last line that it wrote."""


@attrs.frozen
class Server:
    """A running one. ``process_id`` is that of the process which started all of its others."""

    port: int
    process_id: int
    database_url: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def trunkline(
    bench: Bench, database_url: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Server]:
    """Trunkline as an operator runs it, with its defaults."""
    port = free_port()
    processes = bench.options.processes
    arguments = ["-m", "entrypoints", "serve", "--migrate"]
    if processes is not None:
        arguments += ["--processes", str(processes)]
    settings = {"TRUNKLINE_PORT": str(port), "TRUNKLINE_DATABASE_URL": database_url, **(environment or {})}
    async with process(bench, "trunkline", arguments, settings) as started:
        url = f"http://127.0.0.1:{port}/readyz"
        await until_ready(started, url, bench.folder / "trunkline.log", processes or 1)
        yield Server(port, started.pid, database_url)


async def migrate(bench: Bench, database_url: str) -> None:
    """Raises ServerFailed."""
    settings = {"TRUNKLINE_DATABASE_URL": database_url}
    async with process(bench, "migrate", ["-m", "entrypoints", "migrate"], settings) as started:
        if await started.wait():
            raise ServerFailed(last_line(bench.folder / "migrate.log"))


@asynccontextmanager
async def stores_nothing(bench: Bench, database_url: str) -> AsyncIterator[Server]:
    port = free_port()
    arguments = ["-m", "benchmarks.contenders.stores_nothing", str(port)]
    async with process(bench, "stores-nothing", arguments) as started:
        await until_ready(started, f"http://127.0.0.1:{port}/readyz", bench.folder / "stores-nothing.log")
        yield Server(port, started.pid, database_url)


@asynccontextmanager
async def usual_design(bench: Bench, database_url: str) -> AsyncIterator[Server]:
    port = free_port()
    arguments = ["-m", "uvicorn", "benchmarks.contenders.usual_design:application", "--host", "127.0.0.1"]
    arguments += ["--port", str(port), "--loop", "uvloop", "--http", "httptools"]
    arguments += ["--no-access-log", "--log-level", "warning"]
    async with process(bench, "usual-design", arguments, {"DATABASE_URL": database_url}) as started:
        await until_ready(started, f"http://127.0.0.1:{port}/readyz", bench.folder / "usual-design.log")
        yield Server(port, started.pid, database_url)


@asynccontextmanager
async def simulated_ai(bench: Bench) -> AsyncIterator[str]:
    """`trunkline simulate ai`, deaf; the base URL."""
    port = free_port()
    async with process(bench, "ai", ["-m", "benchmarks.contenders.deaf_ai", str(port)]) as started:
        await until_ready(started, f"http://127.0.0.1:{port}/v1/models", bench.folder / "ai.log")
        yield f"http://127.0.0.1:{port}/v1"


@asynccontextmanager
async def process(
    bench: Bench, name: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python process of the project, told to stop at the end of the block and waited for."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("TRUNKLINE_")}
    with (bench.folder / f"{name}.log").open("wb") as log:
        started = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            cwd=PROJECT,
            env={**clean, **(environment or {})},
            stdout=log.fileno(),
            stderr=log.fileno(),
            start_new_session=True,  # Ctrl-C is ours to pass on
        )
    try:
        yield started
    finally:
        await _stop(started)


async def until_ready(
    started: asyncio.subprocess.Process, url: str, log: Path, processes: int | None = None
) -> None:
    """Until it answers 200: with ``processes`` each of them, as the ids that they give requests tell.

    Raises ServerFailed.
    """
    ready: set[str] = set()
    connector = aiohttp.TCPConnector(force_close=True)  # for a process is met by a new connection
    try:
        async with asyncio.timeout(READY_SECONDS), aiohttp.ClientSession(connector=connector) as session:
            while len(ready) < (processes or 1):
                ready |= await _ready_processes(session, url)
                if started.returncode is not None:
                    raise ServerFailed(last_line(log))
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise ServerFailed(f"not ready within {READY_SECONDS} s: {last_line(log)}") from None


def last_line(log: Path) -> str:
    lines = log.read_text("utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it wrote nothing"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


async def _ready_processes(session: aiohttp.ClientSession, url: str) -> set[str]:
    """What tells the process that answered from others; nothing where it was not ready."""
    try:
        async with session.get(url) as answer:
            process = answer.headers.get("X-Request-ID", "").partition("-")[0]
            return {process} if answer.status == 200 else set()
    except aiohttp.ClientError:
        return set()


async def _stop(started: asyncio.subprocess.Process) -> None:
    if started.returncode is not None:
        return
    started.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await started.wait()
    except TimeoutError:
        started.kill()
        await started.wait()

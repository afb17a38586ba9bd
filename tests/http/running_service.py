"""The API as `trunkline serve --no-worker` starts it, on a thread and an event loop of its own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any, TypeVar

import attrs
import uvloop

from application.spool import DATABASE_SECONDS
from entrypoints.container import Container
from entrypoints.service import Process, Role, opened
from entrypoints.settings import Settings, read_settings
from tests.databases import Databases

T = TypeVar("T")
Reach = Callable[[str], AbstractAsyncContextManager[str]]
"""From the URL of a database to the URL under which the service shall reach it."""

API_ONLY = Role(api=True, worker=False, migrate=False)
PATIENCE_SECONDS = 30


@attrs.frozen(eq=False)
class RunningService:
    """``faults`` has what the loop could tell nobody: exceptions of tasks that were never looked at."""

    url: str
    host: str
    port: int
    container: Container
    faults: list[str]
    _loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run on the service's loop, and wait."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_SECONDS)


@asynccontextmanager
async def _directly(url: str) -> AsyncIterator[str]:
    yield url


@contextmanager
def running_service(
    databases: Databases,
    reach: Reach = _directly,
    database_seconds: float = DATABASE_SECONDS,
    **settings: str,
) -> Iterator[RunningService]:
    """On a database of its own. ``settings`` by their names without the prefix: ``ingest_queue="1"``.

    What the database does not answer within ``database_seconds`` is spooled.
    """
    with tempfile.TemporaryDirectory() as folder:
        in_folder = {"data_dir": folder, "port": "0", **settings}
        yield from _running(databases, reach, database_seconds, in_folder)


def _running(
    databases: Databases, reach: Reach, database_seconds: float, settings: dict[str, str]
) -> Iterator[RunningService]:
    started: concurrent.futures.Future[tuple[RunningService, asyncio.Event]] = concurrent.futures.Future()
    environment = {f"TRUNKLINE_{name.upper()}": value for name, value in settings.items()}
    database = _database(databases, reach)
    work = _serve(database, read_settings(environment), database_seconds, started)
    thread = threading.Thread(target=_run, args=(work, started), name="service")
    thread.start()
    service, stop = started.result(PATIENCE_SECONDS)
    try:
        yield service
    finally:
        service._loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive(), "the service did not stop"
    assert not service.faults, service.faults


def _run(work: Coroutine[Any, Any, None], started: concurrent.futures.Future[Any]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(work)
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)


@asynccontextmanager
async def _database(databases: Databases, reach: Reach) -> AsyncIterator[str]:
    async with databases.empty() as url, reach(url) as reached:
        yield reached


async def _serve(
    database: AbstractAsyncContextManager[str],
    settings: Settings,
    database_seconds: float,
    started: concurrent.futures.Future[tuple[RunningService, asyncio.Event]],
) -> None:
    loop, stop, faults = asyncio.get_running_loop(), asyncio.Event(), list[str]()
    loop.set_exception_handler(lambda _, context: faults.append(str(context)))
    async with database as database_url, opened(settings, database_url) as container:
        container.spool.add_kwargs(database_seconds=database_seconds)
        process = Process(settings, API_ONLY, container)
        await process.start()
        (host, port), *_ = process.addresses
        service = RunningService(f"http://{host}:{port}", host, port, container, faults, loop)
        started.set_result((service, stop))
        await stop.wait()
        await process.drain()

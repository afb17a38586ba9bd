"""A running process: what it opens, starts, and closes again."""

from __future__ import annotations

import asyncio
import gc
import signal
import sqlite3
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from functools import partial
from typing import Any, Final

import aiohttp
import asyncpg
import attrs
import structlog
from aiohttp import web

from adapters.ai.retrying import log_retries_without_arguments
from adapters.jobs.job_queue import forget_finished_jobs
from adapters.jobs.job_runner import POOL_SIZE, JobRunner
from adapters.jobs.task_runner import TaskRunner
from adapters.metrics.sharing import share_as
from adapters.postgres.embedded_server import embedded_postgres
from adapters.postgres.pool import connect, open_pool
from adapters.postgres.refusals import installation_id
from adapters.postgres.schema import MigrationFailed, migrate_to_latest, pending_migrations
from application.errors import TryAgain
from entrypoints.container import Container
from entrypoints.membership import Membership
from entrypoints.settings import Settings

RECONCILE_SECONDS: Final = 10
LOOK_FOR_IDLE_CALLS_SECONDS: Final = 30
FORGET_SECONDS: Final = 3600
TURN_DAYS_OVER_SECONDS: Final = 3600
DATABASE_MAY_START_SECONDS: Final = 30
HTTP_SHUTDOWN_SECONDS: Final = 5
HAND_ON_SECONDS: Final = 2
CUT_OFF_SECONDS: Final = 0.05
"""For each step of cutting off a request; aiohttp takes 0 for no limit."""
LONGEST_REQUEST_LINE_BYTES: Final = 64 * 1024
"""Generous, so that an id that is too long is refused in the way of every other bad field."""
COLLECTOR_THRESHOLDS: Final = (20_000, 20, 50)
"""Objects more than were freed, and then collections of the younger generation, before a collection."""
_JOBS: Final = "jobs"

log = structlog.get_logger("trunkline.service")


class StartRefused(Exception):
    """The process cannot start; the message says why in one line."""


def cannot_listen(host: str, port: int, error: OSError) -> StartRefused:
    return StartRefused(f"cannot listen on {host}:{port}: {error.strerror}")


@attrs.frozen
class Role:
    """What the process does: serve the API, work on calls, or both."""

    api: bool
    worker: bool
    migrate: bool


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The URL of the configured server, or of the embedded one, which is held meanwhile."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    with embedded_postgres(settings.data_dir) as url:
        yield url


async def migrate(database_url: str) -> list[str]:
    """Bring the schema up to date; the names of what was applied. Raises StartRefused."""
    connection = await _reach(database_url)
    try:
        return await migrate_to_latest(connection)
    except MigrationFailed as error:
        raise StartRefused(str(error)) from error
    finally:
        await connection.close()


async def run_service(
    settings: Settings, database_url: str, role: Role, membership: Membership | None = None
) -> None:
    """Run until SIGTERM or SIGINT, and then leave nothing half done. Raises StartRefused.

    With a ``membership`` it is one of several processes on its port.
    """
    if role.migrate:
        await migrate(database_url)
    await _require_current_schema(database_url)
    log_retries_without_arguments()
    if membership is not None:
        share_as(membership.number)
    async with opened(settings, database_url) as container:
        await Process(settings, role, container, membership).run()


async def _require_current_schema(database_url: str) -> None:
    connection = await _reach(database_url)
    try:
        missing = await pending_migrations(connection)
    finally:
        await connection.close()
    if missing:
        raise StartRefused(
            f"the database lacks {', '.join(missing)}: run `trunkline migrate`, or start with --migrate"
        )


async def _reach(database_url: str) -> asyncpg.Connection:
    """A connection, though the server may still be starting. Raises StartRefused."""
    try:
        async with asyncio.timeout(DATABASE_MAY_START_SECONDS):
            while True:
                try:
                    return await connect(database_url)
                except (OSError, asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError) as error:
                    log.warning("database_awaited", error=type(error).__name__)
                    await asyncio.sleep(1)
    except TimeoutError:
        raise StartRefused(f"no database answered within {DATABASE_MAY_START_SECONDS} s") from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise StartRefused(f"the database refused: {error}") from error


@asynccontextmanager
async def opened(settings: Settings, database_url: str) -> AsyncIterator[Container]:
    """A container whose connections are open meanwhile."""
    pool = await open_pool(database_url, largest=settings.database_connections)
    job_pool = await open_pool(database_url, largest=POOL_SIZE)
    session = aiohttp.ClientSession(auto_decompress=True, trust_env=False)
    try:
        yield Container(settings=settings, pool=pool, job_pool=job_pool, http_session=session)
    finally:
        await session.close()
        for opened in (job_pool, pool):
            await _close(opened)


async def _close(pool: asyncpg.Pool) -> None:
    try:
        async with asyncio.timeout(1):
            await pool.close()
    except TimeoutError:
        pool.terminate()


def _spare_the_collector() -> None:
    """What is there now stays; looking through it again and again took a tenth of a busy process's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)


class Process:
    """What runs between the opening of the container and its closing."""

    def __init__(
        self, settings: Settings, role: Role, container: Container, membership: Membership | None = None
    ) -> None:
        self._settings = settings
        self._role = role
        self._container = container
        self._membership = membership
        self._tasks: TaskRunner = container.tasks()
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._was_signalled = False
        self._server: web.AppRunner | None = None
        self._jobs: JobRunner | None = None

    async def run(self) -> None:
        """Start, wait for SIGTERM or SIGINT, drain. Raises StartRefused."""
        loop = asyncio.get_running_loop()
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_number, self._signalled)
        await self.start()
        member = self._membership
        async with member.kept(self._stop.set, self._hurry.set) if member else nullcontext():
            await self._stop.wait()
            await self.drain()

    async def start(self) -> None:
        """Raises StartRefused."""
        await self._turn_days_over()
        if self._role.api:
            await self._open_spool()
            await self._open_feed()
        self._server = await self._serve()
        self._look_for_idle_calls()
        self._tasks.keep_running("reprocess many", self._container.reprocess_many().run_for_ever)
        self._jobs = self._work() if self._works else None
        _spare_the_collector()

    async def _turn_days_over(self) -> None:
        """Have room for packets before any can come, and see to it that it stays so."""
        prepare = self._container.prepare_days()
        with suppress(TryAgain):  # the task tries again, and where there is no room a packet has it made
            await prepare()
        self._tasks.repeat("prepare days", TURN_DAYS_OVER_SECONDS, prepare)
        self._tasks.repeat("drop audio", TURN_DAYS_OVER_SECONDS, self._container.drop_audio())

    def _look_for_idle_calls(self) -> None:
        """Where packets are taken: who takes none cannot say that none came."""
        idle_seconds = self._settings.idle_call_seconds
        if self._role.api and idle_seconds:
            every_seconds = min(LOOK_FOR_IDLE_CALLS_SECONDS, idle_seconds / 10)
            self._tasks.repeat("complete idle calls", every_seconds, self._container.complete_idle_calls())

    async def _open_spool(self) -> None:
        """What an earlier process left in it is replayed at once, before anything new."""
        journal, replay = self._container.journal(), self._container.replay_spool()
        try:
            await journal.open(str(await installation_id(self._container.pool())))
        except TryAgain as error:
            raise StartRefused("the database does not answer") from error
        except (OSError, sqlite3.Error) as error:
            raise StartRefused(f"cannot keep a spool in {self._settings.data_dir}: {error}") from error
        self._container.spool().open()
        self._tasks.keep_running("replay spool", replay.run_for_ever)

    async def _open_feed(self) -> None:
        try:
            await self._container.changes().forget_other_servers()
        except TryAgain as error:
            raise StartRefused("the database does not answer") from error
        self._tasks.keep_running("feed", self._container.feed().run_for_ever)

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of what listens."""
        return [address[:2] for address in self._server.addresses] if self._server else []

    def _signalled(self) -> None:
        """The second time, what is under way is not waited for."""
        (self._hurry if self._was_signalled else self._stop).set()
        self._was_signalled = True

    @property
    def _works(self) -> bool:
        return self._role.worker and self._settings.ai_base_url is not None

    @property
    def _port(self) -> int | None:
        return self._settings.port if self._role.api else self._settings.work_port

    async def _serve(self) -> web.AppRunner | None:
        if self._port is None:
            return None
        if self._role.api:
            deliveries = self._container.deliveries()
            for flusher in range(deliveries.flushers):
                self._tasks.keep_running(f"flusher {flusher}", partial(deliveries.flush_for_ever, flusher))
        application = self._container.api() if self._role.api else self._container.health_only()
        server = web.AppRunner(
            application,
            access_log=None,
            handle_signals=False,
            auto_decompress=False,
            shutdown_timeout=HTTP_SHUTDOWN_SECONDS,
            max_line_size=LONGEST_REQUEST_LINE_BYTES,
        )
        await server.setup()
        site = web.TCPSite(
            server,
            self._settings.host,
            self._port,
            backlog=1024,
            reuse_port=self._membership is not None,
        )
        try:
            await site.start()
        except OSError as error:
            raise cannot_listen(self._settings.host, self._port, error) from error
        host, port = server.addresses[0][:2]
        log.info("listening", url=f"http://{host}:{port}", api=self._role.api, works=self._works)
        return server

    def _work(self) -> JobRunner:
        jobs: JobRunner = self._container.job_runner()
        self._tasks.keep_running(_JOBS, jobs.run)
        self._tasks.repeat("reconcile jobs", RECONCILE_SECONDS, self._container.reconcile_jobs())
        pool = self._container.pool()
        self._tasks.repeat("forget finished jobs", FORGET_SECONDS, lambda: forget_finished_jobs(pool))
        return jobs

    async def drain(self) -> None:
        """Stop, within the time that is set for it, and leave nothing half done.

        A second signal ends the waiting: what is not answered by then never will be.
        """
        jobs = self._jobs
        log.info("draining")
        deadline = asyncio.get_running_loop().time() + self._settings.drain_seconds
        self._container.readiness().draining = True
        if jobs is not None:
            jobs.stop()
        if self._server is not None:
            await self._stop_serving(self._server)
        if self._role.api:
            await self._answer_what_was_taken()
        if jobs is not None:
            await self._finish_or_hand_on(jobs, deadline)
        await self._tasks.stop()
        if self._role.api:
            await self._container.journal().close()
        log.info("stopped")

    async def _stop_serving(self, runner: web.AppRunner) -> None:
        """Requests and sockets that are under way get their time; in a hurry they are cut off."""
        served = runner.server
        if await self._unless_hurried(runner.cleanup()) or served is None:
            return
        log.info("requests_cut_off", connections=len(served.connections))
        await served.shutdown(CUT_OFF_SECONDS)

    async def _unless_hurried(self, work: Coroutine[Any, Any, None]) -> bool:
        """Whether it came to its end; a second signal cancels it."""
        doing = asyncio.create_task(work)
        hurried = asyncio.create_task(self._hurry.wait())
        try:
            await asyncio.wait({doing, hurried}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            hurried.cancel()
            doing.cancel()  # which does nothing to what is done
        await asyncio.wait({doing})
        if doing.cancelled():
            return False
        doing.result()
        return True

    async def _answer_what_was_taken(self) -> None:
        try:
            async with asyncio.timeout(HTTP_SHUTDOWN_SECONDS):
                await self._unless_hurried(self._container.deliveries().drain())
        except TimeoutError:
            log.warning("packets_left_unanswered")

    async def _finish_or_hand_on(self, jobs: JobRunner, deadline: float) -> None:
        finished = asyncio.create_task(self._tasks.finish(_JOBS))
        hurried = asyncio.create_task(self._hurry.wait())
        left = max(0.0, deadline - asyncio.get_running_loop().time())
        await asyncio.wait({finished, hurried}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if not finished.done():
            log.info("jobs_handed_on", jobs=jobs.hand_on())
            await asyncio.wait({finished}, timeout=HAND_ON_SECONDS)
        if not finished.done():
            self._leave_jobs()

    def _leave_jobs(self) -> None:
        """The database does not answer, and is not waited for: these jobs look like a dead process's."""
        log.warning("jobs_left")
        for pool in (self._container.job_pool(), self._container.pool()):
            pool.terminate()

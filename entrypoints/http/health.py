"""Is the process alive, can it take calls, and what do its numbers say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum
from typing import Final

import attrs
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from adapters.metrics.prometheus import PrometheusMetrics
from application.errors import StorageUnavailable
from application.ports import BacklogReader, Journal
from application.spool import Spool
from entrypoints.http import wire
from entrypoints.http.answers import json_answer

CHECK_SECONDS: Final = 2.0
BACKLOG_READ_AGAIN_SECONDS: Final = 5.0


class Weight(Enum):
    """What a check that does not say `ok` means for readiness."""

    NEEDED = "needed"  # without it no packet can be acknowledged; but while it is away, the spool does
    TOLD = "told"  # calls wait for it; they are taken all the same


@attrs.frozen
class Check:
    """``ask`` answers `ok` or what is missing, in words that anyone may read."""

    ask: Callable[[], Awaitable[str]]
    weight: Weight


@attrs.frozen
class _Answer:
    text: str
    is_away: bool = False


class Readiness:
    """Everything the service depends on, by name.

    While what is needed does not answer at all, the spool does instead of it.
    """

    def __init__(self, checks: Mapping[str, Check], spool: Spool) -> None:
        self._checks = checks
        self._spool = spool
        self.draining = False

    async def state(self) -> tuple[bool, wire.Health]:
        names = list(self._checks)
        answers = await asyncio.gather(*(self._ask(self._checks[name]) for name in names))
        found = dict(zip(names, answers, strict=True))
        needed = [found[name] for name in names if self._checks[name].weight is Weight.NEEDED]
        status = self._status([answer for answer in needed if answer.text != "ok"])
        texts = {name: answer.text for name, answer in found.items()}
        return status in ("ready", "degraded"), wire.Health(status, texts)

    def _status(self, lacking: Sequence[_Answer]) -> str:
        if self.draining:
            return "draining"
        if not lacking and not self._spool.is_spooling:
            return "ready"
        is_spooled = all(answer.is_away for answer in lacking) and self._spool.takes
        return "degraded" if is_spooled else "unavailable"

    async def _ask(self, check: Check) -> _Answer:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                return _Answer(await check.ask())
        except TimeoutError:
            return _Answer(f"no answer within {CHECK_SECONDS:g} s", is_away=True)
        except StorageUnavailable:
            return _Answer("does not answer", is_away=True)


class HealthHandlers:
    def __init__(
        self, readiness: Readiness, metrics: PrometheusMetrics, backlog: BacklogReader, journal: Journal
    ) -> None:
        self._readiness = readiness
        self._metrics = metrics
        self._backlog = backlog
        self._journal = journal
        self._read_again_at = 0.0

    async def livez(self, request: web.Request) -> web.Response:
        return json_answer(wire.Health("alive", {}))

    async def readyz(self, request: web.Request) -> web.Response:
        ready, health = await self._readiness.state()
        return json_answer(health, 200 if ready else 503)

    async def metrics(self, request: web.Request) -> web.Response:
        """The process's own numbers come even where the database's cannot be read."""
        self._metrics.spool_holds(self._journal.size)
        if time.monotonic() >= self._read_again_at:
            try:
                async with asyncio.timeout(CHECK_SECONDS):
                    self._metrics.backlog_read(await self._backlog.backlog())
                self._read_again_at = time.monotonic() + BACKLOG_READ_AGAIN_SECONDS
            except (StorageUnavailable, TimeoutError):
                self._metrics.backlog_unknown()
        response = web.Response(body=self._metrics.exposition())
        response.headers["Content-Type"] = CONTENT_TYPE_LATEST
        return response

"""PostgreSQL is dead for a while under a steady load, which must not notice."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from faults.experiments.experiment import Experiment, Extent
from faults.stage import Stage
from faults.steady_calls import PACKETS_PER_SECOND, SteadyCalls, Write, latencies_of
from faults.violation import Violation

SHORT_SECONDS: Final = 10.0
LONG_SECONDS: Final = 60.0
BEFORE_SECONDS: Final = 3.0
AFTER_SECONDS: Final = 1.0
P99_MS: Final = 50.0
REPLAYED_WITHIN_SECONDS: Final = 30.0


async def take_the_database_away(stage: Stage, dice: random.Random, seconds: float) -> None:
    port = urlsplit(stage.service.url).port
    assert port is not None, "it was given one"
    calls = SteadyCalls(port, stage.history, dice.randrange(2**31))
    async with stage.under(calls):
        await asyncio.sleep(BEFORE_SECONDS)
        for _ in stage.rounds(0):
            killed_at_seconds = time.monotonic()
            await stage.kill_postgres(down_seconds=seconds)
            back_at_seconds = time.monotonic()
            await _until_replayed(stage, back_at_seconds)
            await asyncio.sleep(AFTER_SECONDS)
            meanwhile = [
                write for write in calls.writes if killed_at_seconds <= write.due_at_seconds < back_at_seconds
            ]
            _judge_latencies(stage, meanwhile, back_at_seconds - killed_at_seconds)
    _judge_answers(stage, calls.writes)


async def _until_replayed(stage: Stage, back_at_seconds: float) -> None:
    """Until the service says that it is ready: then its spool is empty."""
    async with aiohttp.ClientSession() as session:
        while True:
            seconds = time.monotonic() - back_at_seconds
            async with session.get(f"{stage.service.url}/readyz") as answer:
                is_ready = (await answer.json())["status"] == "ready"
            if is_ready:
                stage.remarks.append(f"everything was in the database {seconds:.1f} s after its return")
                return
            if seconds > REPLAYED_WITHIN_SECONDS:
                still = f"the spool was not empty {REPLAYED_WITHIN_SECONDS:.0f} s after the database's return"
                stage.violations.append(Violation("replayed_late", still))
                return
            await asyncio.sleep(0.1)


def _judge_latencies(stage: Stage, meanwhile: list[Write], seconds: float) -> None:
    found = latencies_of(write.seconds for write in meanwhile)
    late = latencies_of(write.late_seconds for write in meanwhile)
    told = (
        f"p99 {found.p99_ms:.1f} ms, at most {found.max_ms:.0f} ms; in it the load's own lateness, "
        f"p99 {late.p99_ms:.1f} ms"
    )
    stage.remarks.append(
        f"{found.count} writes in {seconds:.1f} s without a database ({found.count / seconds:.0f}/s): {told}"
    )
    if found.p99_ms > P99_MS:
        stage.violations.append(Violation("writes_slow", f"{told}, where {P99_MS:.0f} ms are allowed"))


def _judge_answers(stage: Stage, writes: list[Write]) -> None:
    not_taken = [write for write in writes if not write.was_taken]
    stage.remarks.append(f"{len(not_taken)} of {len(writes)} writes refused or not answered")
    if not_taken:
        statuses = sorted({str(write.status) for write in not_taken})
        what = f"{len(not_taken)} writes were answered {', '.join(statuses)}"
        stage.violations.append(Violation("write_not_taken", what))


DATABASE_AWAY = Experiment(
    name="database-away",
    expectation=f"While PostgreSQL is dead under {PACKETS_PER_SECOND:.0f} packets a second, every packet, "
    f"init and completion is taken, 99 % within {P99_MS:.0f} ms, and {REPLAYED_WITHIN_SECONDS:.0f} s after "
    "its return everything is in it.",
    disturb=take_the_database_away,
    short=Extent(SHORT_SECONDS),
    long=Extent(LONG_SECONDS),
    calls_per_second=0,
    breaks_postgres=True,
    measures_time=True,
)

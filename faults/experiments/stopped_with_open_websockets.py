"""SIGTERM of a service whose clients all have a WebSocket open; they go on at another."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Final

import aiohttp

from faults.experiments.experiment import Experiment, Extent
from faults.processes import RestartableProcess
from faults.sender import Sender
from faults.stage import DRAIN_SECONDS, Stage
from faults.violation import Violation
from faults.websocket_calls import WebSocketCalls

SOCKETS: Final = 200
SERVICE_RESTARTS: Final = 1012
SHORT_SECONDS: Final = 8.0
CALLS_PER_SECOND: Final = 2.0
CONNECTED_WITHIN_SECONDS: Final = 20.0


async def stop_one_after_the_other(stage: Stage, dice: random.Random, seconds: float) -> None:
    await stage.second.start()
    leaving, staying = stage.service, stage.second
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        sender = Sender(stage.service.url, stage.history, session, dice)
        calls = WebSocketCalls(sender, (leaving.url, staying.url), dice.randrange(2**31), SOCKETS)
        async with stage.under(calls):
            await _require_all_at(stage, calls, leaving)
            for _ in stage.rounds(seconds):
                await asyncio.sleep(dice.uniform(0.5, 1.5))
                await _stop(stage, calls, leaving)
                await _require_all_at(stage, calls, staying)
                await leaving.start()
                leaving, staying = staying, leaving


async def _stop(stage: Stage, calls: WebSocketCalls, leaving: RestartableProcess) -> None:
    """Each socket must be closed once, and with the code that says why."""
    ends_before = {socket: len(socket.closed) for socket in calls.sockets}
    took_seconds = await stage.stop(leaving)
    codes = Counter(
        end.code
        for socket, before in ends_before.items()
        for end in socket.closed[before:]
        if end.url == leaving.url
    )
    told = ", ".join(f"{count} with {code}" for code, count in sorted(codes.items())) or "none"
    stage.remarks.append(f"left within {took_seconds:.1f} s of SIGTERM; sockets closed: {told}")
    if codes != {SERVICE_RESTARTS: SOCKETS}:
        stage.violations.append(Violation("socket_closed_badly", f"of {SOCKETS} sockets {told}"))
    if took_seconds > DRAIN_SECONDS:
        late = f"{took_seconds:.1f} s after SIGTERM, where {DRAIN_SECONDS} s are set"
        stage.violations.append(Violation("stopped_late", late))


async def _require_all_at(stage: Stage, calls: WebSocketCalls, process: RestartableProcess) -> None:
    if not await calls.until_all_are_at(process.url, CONNECTED_WITHIN_SECONDS):
        there = sum(socket.connected_to == process.url for socket in calls.sockets)
        what = f"{there} of {SOCKETS} sockets after {CONNECTED_WITHIN_SECONDS:.0f} s"
        stage.violations.append(Violation("not_connected_again", what))


STOPPED_WITH_OPEN_WEBSOCKETS = Experiment(
    name="stopped-with-open-websockets",
    expectation=f"At SIGTERM under load {SOCKETS} open WebSockets are all closed with {SERVICE_RESTARTS} "
    "and go on at another process, nothing acknowledged is lost, and the service leaves with exit status 0 "
    f"within {DRAIN_SECONDS} s.",
    disturb=stop_one_after_the_other,
    short=Extent(SHORT_SECONDS),
    calls_per_second=CALLS_PER_SECOND,
)

"""`trunkline simulate ai`, deaf, that misbehaves as it is told: ``PUT /misbehaviour`` says how.

A name of MISBEHAVIOURS, ANY or NONE.

It is given that command's own options. What it does instead of answering is in no ledger: no effect is in it.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import random
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from entrypoints.simulators import ai_command
from entrypoints.simulators.ai.chance import Chance
from entrypoints.simulators.ai.server import SimulatedAi
from entrypoints.simulators.ai.speech import SpeechRecogniser
from entrypoints.simulators.json_lines import JsonLines
from entrypoints.simulators.stop_signal import stop_signal

Misbehave = Callable[[web.Request, random.Random], Awaitable[web.StreamResponse]]

ANY: Final = "any"
"""Of all, by chance, and now and then an answer."""
NONE: Final = "none"

HANG_SECONDS: Final = 30
FLOOD_BYTES: Final = 10 * 1024 * 1024
SWARMS: Final = (90_000, 600_000)
"""Small values, which take far more time and room than bytes when they are parsed."""
_CHUNK: Final = 64 * 1024

RUBBISH: Final = (
    b"",
    b"<html><body>502 Bad Gateway</body></html>",
    b"null",
    b"[]",
    b"{}",
    b'"done"',
    b"\xff\xfe\x00",
    b'{"text": 7, "choices": {}}',
    b'{"text": null, "choices": []}',
    b'{"choices": [{"message": {}}]}',
    b'{"choices": [{"message": {"content": "I am sorry, what was the question?"}}]}',
    b'{"choices": [{"message": {"content": "{\\"summary\\": 1, \\"sentiment\\": {}}"}}]}',
    b'{"choices": [{"message": {"content": "{\\"summary\\": \\"cut", "finish_reason": "length"}}]}',
    b'{"error": {"message": "it did not work, and the status is 200"}}',
    b"[" * 100_000,
)
"""None of it may pass for an answer."""


async def hang(request: web.Request, dice: random.Random) -> web.StreamResponse:
    await asyncio.sleep(HANG_SECONDS)
    return web.Response(status=504)


async def ask_for_patience(request: web.Request, dice: random.Random) -> web.StreamResponse:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    after = dice.choice(("0", "0.5", "1", "2", soon, "in a while", "-1"))
    return web.json_response({"error": {"message": "slow down"}}, status=429, headers={"Retry-After": after})


async def talk_rubbish(request: web.Request, dice: random.Random) -> web.StreamResponse:
    kind = dice.choice(("application/json", "text/html"))
    return web.Response(body=dice.choice(RUBBISH), content_type=kind)


async def break_off(request: web.Request, dice: random.Random) -> web.StreamResponse:
    half = b'{"text": "Half of", "choices": [{"message": {"content": "{\\"summary\\": \\"Half of'
    response = _begun(dice, 2 * len(half))
    await response.prepare(request)
    await response.write(half)
    if request.transport is not None:
        request.transport.abort()
    return response


async def flood(request: web.Request, dice: random.Random) -> web.StreamResponse:
    """Far more than any answer has: as text, as a swarm of values, or in a small packing."""
    text = b'{"text": "' + b"x" * FLOOD_BYTES + b'", "choices": [{"message": {"content": "x"}}]}'
    swarm = b"[" + b"[]," * dice.choice(SWARMS) + b"0]"
    body = dice.choice((text, swarm, gzip.compress(text, 1)))
    response = _begun(dice, len(body))
    if body[:2] == b"\x1f\x8b":
        response.headers["Content-Encoding"] = "gzip"
    with suppress(ConnectionError):  # whoever had enough has gone
        await response.prepare(request)
        for at in range(0, len(body), _CHUNK):
            await response.write(body[at : at + _CHUNK])
        await response.write_eof()
    return response


async def fail(request: web.Request, dice: random.Random) -> web.StreamResponse:
    return web.json_response(
        {"error": {"message": "it broke"}}, status=dice.choice((500, 502, 503, 504, 529))
    )


MISBEHAVIOURS: Final[Mapping[str, Misbehave]] = {
    "hang": hang,
    "ask for patience": ask_for_patience,
    "talk rubbish": talk_rubbish,
    "break off": break_off,
    "flood": flood,
    "fail": fail,
}


def _begun(dice: random.Random, length: int) -> web.StreamResponse:
    """With its length told beforehand, or in chunks."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    if dice.random() < 0.5:
        response.content_length = length
    else:
        response.enable_chunked_encoding()
    return response


class Misbehaving:
    """Stands before an application and answers in its place."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._how = NONE

    def before(self, application: web.Application) -> web.Application:
        application.middlewares.insert(0, self._answer)
        application.router.add_put("/misbehaviour", self._be_told)
        return application

    async def _be_told(self, request: web.Request) -> web.Response:
        self._how = await request.text()
        return web.Response(status=200 if self._how in (*MISBEHAVIOURS, ANY, NONE) else 400)

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        how = self._how if request.method == "POST" else NONE
        if how == ANY:
            how = self._dice.choice((*MISBEHAVIOURS, NONE))
        misbehave = MISBEHAVIOURS.get(how)
        if misbehave is None:
            return await handler(request)
        await request.read()
        return await misbehave(request, self._dice)


async def run(options: argparse.Namespace) -> None:
    """Until SIGTERM."""
    chance = Chance(options.seed, options.failure_rate, options.latency)
    with stop_signal() as stop, JsonLines(options.ledger) as ledger:
        simulated = SimulatedAi(chance, SpeechRecogniser(None), ledger).application()
        application = Misbehaving(random.Random(options.seed)).before(simulated)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=ai_command.SHUTDOWN_SECONDS)
        await runner.setup()
        try:
            await web.TCPSite(runner, options.host, options.port).start()
            await stop.wait()
        finally:
            await runner.cleanup()


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m faults.misbehaving_ai")
    ai_command.configure(parser)
    asyncio.run(run(parser.parse_args(sys.argv[1:])))

"""``trunkline simulate ai``: a flaky AI service on a port."""

from __future__ import annotations

import argparse
import random
from contextlib import AsyncExitStack

from aiohttp import web
from rich.console import Console

from entrypoints.simulators.ai.chance import Chance
from entrypoints.simulators.ai.decoder_pool import DecoderPool, speech_is_installed
from entrypoints.simulators.ai.server import SimulatedAi
from entrypoints.simulators.ai.speech import SpeechRecogniser
from entrypoints.simulators.json_lines import JsonLines
from entrypoints.simulators.option_values import (
    FromTo,
    file_to_append,
    number_from_zero,
    port,
    share,
    whole_number,
)
from entrypoints.simulators.stop_signal import stop_signal

SHUTDOWN_SECONDS = 0.5


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: %(default)s)")
    parser.add_argument(
        "--port", type=port, default=8090, help="port to listen at; 0 takes a free one (default: %(default)s)"
    )
    parser.add_argument(
        "--failure-rate",
        type=share,
        default=0.25,
        metavar="SHARE",
        help="share of requests answered 503, half of them with Retry-After (default: %(default)s)",
    )
    parser.add_argument(
        "--latency",
        type=number_from_zero,
        nargs=2,
        action=FromTo,
        default=(1.0, 3.0),
        metavar=("FROM", "TO"),
        help="seconds that an answer takes at least (default: 1 3)",
    )
    parser.add_argument(
        "--seed",
        type=whole_number,
        help="the same seed gives the same requests the same failures and latencies",
    )
    parser.add_argument(
        "--ledger", type=file_to_append, metavar="FILE", help="append a JSON line for each answered request"
    )


async def run(options: argparse.Namespace) -> int:
    """Serves until SIGINT or SIGTERM, and then returns 0; 1 if it cannot listen."""
    console = Console(soft_wrap=True, highlight=False)
    seed = random.SystemRandom().randrange(2**31) if options.seed is None else options.seed
    chance = Chance(seed, options.failure_rate, options.latency)
    try:
        async with AsyncExitStack() as stack:
            stop = stack.enter_context(stop_signal())
            ledger = stack.enter_context(JsonLines(options.ledger))
            decoders = await stack.enter_async_context(DecoderPool()) if speech_is_installed() else None
            application = SimulatedAi(chance, SpeechRecogniser(decoders), ledger).application()
            runner = web.AppRunner(application, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
            stack.push_async_callback(runner.cleanup)
            await runner.setup()
            await web.TCPSite(runner, options.host, options.port).start()
            console.print(_introduction(options.host, runner.addresses[0][1], chance, decoders is not None))
            await stop.wait()
    except OSError as error:
        Console(stderr=True, soft_wrap=True, highlight=False).print(f"the simulated AI cannot run: {error}")
        return 1
    return 0


def _introduction(host: str, port_number: int, chance: Chance, hears: bool) -> str:
    low, high = chance.latency_seconds
    ears = (
        "with PocketSphinx"
        if hears
        else "with nothing: PocketSphinx is not installed, and the transcripts say so"
    )
    return (
        f"Simulated AI (no real model) at http://{host}:{port_number}/v1\n"
        f"answers {chance.failure_rate:.0%} with 503, takes {low:g} to {high:g} s, hears {ears}; "
        f"seed {chance.seed}"
    )

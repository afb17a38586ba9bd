"""``trunkline simulate pbx``: a PBX that places calls, and afterwards asks for them."""

from __future__ import annotations

import argparse
import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

import aiohttp
from rich.console import Console
from yarl import URL

from entrypoints.simulators.json_lines import JsonLines
from entrypoints.simulators.option_values import (
    count,
    file_to_append,
    number_from_zero,
    share,
    whole_number,
)
from entrypoints.simulators.pbx.call_audio import UnusableWav, read_packets
from entrypoints.simulators.pbx.call_plan import Faults
from entrypoints.simulators.pbx.exchange import PACKETS_IN_FLIGHT, Exchange, PlacedCall, plan_calls
from entrypoints.simulators.pbx.history import History
from entrypoints.simulators.pbx.link import ServiceLink
from entrypoints.simulators.pbx.progress import progress
from entrypoints.simulators.pbx.report import print_lines, print_summary
from entrypoints.simulators.pbx.tally import Tally
from entrypoints.simulators.pbx.verifier import Verifier
from entrypoints.simulators.stop_signal import stop_signal

SAMPLE_CALL: Final = Path(__file__).with_name("sample_call") / "sample_call.wav"
INTERRUPTED: Final = 130


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    option = parser.add_argument
    option(
        "--url",
        type=_service_url,
        default="http://127.0.0.1:8080",
        help="where Trunkline is (default: %(default)s)",
    )
    option("--calls", type=count, default=10, help="how many calls to place (default: %(default)s)")
    option("--concurrency", type=count, default=10, help="how many at a time (default: %(default)s)")
    option(
        "--speed",
        type=number_from_zero,
        default=1.0,
        help="1 is real time, 2 twice as fast, 0 as fast as it can (default: 1)",
    )
    option("--loss", type=share, default=0.01, help="share of packets never sent (default: %(default)s)")
    option(
        "--reorder",
        type=share,
        default=0.02,
        help="share of packets that change places with a later one (default: %(default)s)",
    )
    option("--duplicate", type=share, default=0.01, help="share of packets sent twice (default: %(default)s)")
    option(
        "--wav",
        type=_wav_packets,
        default=str(SAMPLE_CALL),
        metavar="FILE",
        help="what is said in each call: 16-bit PCM or mu-law (default: some seconds of speech)",
    )
    option("--seed", type=whole_number, help="the same seed plans the same calls, with the same ids")
    option("--call-prefix", default="sim", help="what the call ids begin with (default: %(default)s)")
    option(
        "--ledger",
        type=file_to_append,
        metavar="FILE",
        help="append a JSON line before and after each request",
    )


async def run(options: argparse.Namespace) -> int:
    """Places the calls and verifies them.

    Returns 0; 1 if anything acknowledged is not there as it was sent, or nothing was acknowledged at all;
    130 after SIGINT or SIGTERM.
    """
    console = Console(highlight=False)
    seed = random.SystemRandom().randrange(2**31) if options.seed is None else options.seed
    faults = Faults(options.loss, options.reorder, options.duplicate)
    calls = plan_calls(options.call_prefix, seed, options.calls, len(options.wav), faults)
    console.print(f"Simulated PBX: {options.calls} calls to {options.url}, seed {seed}", soft_wrap=True)
    with JsonLines(options.ledger) as ledger, stop_signal() as stop:
        work = asyncio.create_task(_run(options, calls, History(ledger), console), name="PBX")
        stopping = asyncio.create_task(stop.wait(), name="stop signal")
        await asyncio.wait((work, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if work.done():
            return work.result()
        work.cancel()
        await asyncio.wait((work,))
    console.print("Interrupted: not verified.")
    return INTERRUPTED


async def _run(
    options: argparse.Namespace, calls: Sequence[PlacedCall], history: History, console: Console
) -> int:
    tally = Tally()
    connections = aiohttp.TCPConnector(limit=options.concurrency * PACKETS_IN_FLIGHT)
    async with aiohttp.ClientSession(connector=connections) as session:
        link = ServiceLink(session, options.url, history, tally)
        try:
            await _place(options, calls, link, tally)
        finally:
            print_summary(console, calls, tally)
        if not tally.packets_acknowledged:
            console.print("Nothing was acknowledged.")
            return 1
        begun = [call for call in calls if call.begun]
        broken = await _verify(options, begun, link)
    if broken:
        console.print(f"NOT as acknowledged, {len(broken):,} times:")
        print_lines(console, broken)
        return 1
    packets = sum(len(call.acknowledged) for call in begun)
    console.print(
        f"Verified: all {packets:,} acknowledged packets of {len(begun):,} calls are there, byte for byte."
    )
    return 0


async def _place(
    options: argparse.Namespace, calls: Sequence[PlacedCall], link: ServiceLink, tally: Tally
) -> None:
    requests = sum(len(call.plan.sends) + 2 for call in calls)
    with progress(Console(stderr=True), "Sending", requests) as advance:
        exchange = Exchange(link, options.wav, options.speed, tally, advance)
        await _for_each(calls, exchange.place, options.concurrency)


async def _verify(options: argparse.Namespace, calls: Sequence[PlacedCall], link: ServiceLink) -> list[str]:
    verifier = Verifier(link, options.wav)
    broken: list[str] = []
    with progress(Console(stderr=True), "Verifying", len(calls)) as advance:

        async def verify(call: PlacedCall) -> None:
            broken.extend(await verifier.faults(call))
            advance(1)

        await _for_each(calls, verify, options.concurrency)
    return broken


async def _for_each(
    calls: Sequence[PlacedCall], work: Callable[[PlacedCall], Awaitable[None]], concurrency: int
) -> None:
    waiting = iter(calls)

    async def line() -> None:
        for call in waiting:
            await work(call)

    async with asyncio.TaskGroup() as lines:
        for _ in range(min(concurrency, len(calls))):
            lines.create_task(line())


def _service_url(text: str) -> str:
    try:
        url = URL(text)
    except ValueError:
        url = URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise argparse.ArgumentTypeError(f"must be an http or https URL, not {text!r}")
    return text


def _wav_packets(text: str) -> tuple[bytes, ...]:
    try:
        return read_packets(Path(text))
    except (OSError, UnusableWav) as error:
        raise argparse.ArgumentTypeError(f"cannot use {text!r}: {error}") from None

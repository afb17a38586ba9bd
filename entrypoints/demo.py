"""Everything on one machine: a simulated AI, the service, and a simulated PBX that places sample calls."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import aiohttp
from rich.console import Console
from rich.live import Live
from rich.table import Table

from entrypoints.service import StartRefused
from entrypoints.settings import Settings

READY_SECONDS: Final = 60
PATIENCE_SECONDS: Final = 600
_FINAL: Final = frozenset({"ARCHIVED", "FAILED"})


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--calls", type=int, default=6, help="how many sample calls to place (default: 6)")
    parser.add_argument("--once", action="store_true", help="end when the sample calls are done")


async def run(options: argparse.Namespace, settings: Settings) -> int:
    """The exit status: 1 where a sample call did not reach ARCHIVED. Raises StartRefused."""
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    demo = asyncio.create_task(_demo(options.calls, settings, None if options.once else stop))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({demo, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not demo.done():
        demo.cancel()
    with suppress(asyncio.CancelledError):
        return await demo
    return 0


async def _demo(calls: int, settings: Settings, stay_until: asyncio.Event | None) -> int:
    console = Console(stderr=True)
    logs = settings.data_dir / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    port = settings.port or _free_port()
    url = f"http://{settings.host}:{port}"
    ai_port = _free_port()
    environment = {
        "TRUNKLINE_AI_BASE_URL": f"http://127.0.0.1:{ai_port}/v1",
        "TRUNKLINE_PORT": str(port),
    }
    async with (
        _process(logs / "ai.log", "simulate", "ai", "--port", str(ai_port)),
        _process(logs / "serve.log", "serve", "--migrate", environment=environment) as serve,
        aiohttp.ClientSession(url) as session,
    ):
        console.print(f"Starting PostgreSQL, the service and a simulated AI; their logs are in {logs}")
        await _until_ready(session, serve, logs / "serve.log")
        console.print(f"The service is ready at {url}. The simulated PBX places {calls} calls.")
        pbx = await _start(
            "simulate", "pbx", "--url", url, "--calls", str(calls), "--concurrency", str(calls)
        )
        status = await _wait_for(pbx)
        archived = await _watch(console, session, calls)
        await _show_one(console, session)
        if stay_until is not None:
            console.print(
                f"\nStill running: {url} shows the calls as they happen, {url}/docs the API. Ctrl-C ends it."
            )
            await stay_until.wait()
        return status or int(not archived)


async def _until_ready(session: aiohttp.ClientSession, serve: asyncio.subprocess.Process, log: Path) -> None:
    try:
        async with asyncio.timeout(READY_SECONDS):
            while not await _is_ready(session):
                if serve.returncode is not None:
                    raise StartRefused(_last_line(log))
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise StartRefused(f"the service was not ready within {READY_SECONDS} s; see {log}") from None


async def _is_ready(session: aiohttp.ClientSession) -> bool:
    try:
        async with session.get("/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def _watch(console: Console, session: aiohttp.ClientSession, count: int) -> bool:
    """Show the newest calls until each has come to its end. Whether all are archived."""
    seen: dict[str, str] = {}
    with Live(console=console, refresh_per_second=4, auto_refresh=console.is_terminal) as live:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                calls = await _newest(session, count)
                if console.is_terminal:
                    live.update(_table(calls))
                else:
                    _print_changes(console, calls, seen)
                if all(call["state"] in _FINAL for call in calls):
                    return all(call["state"] == "ARCHIVED" for call in calls)
                await asyncio.sleep(0.5)


def _print_changes(console: Console, calls: list[dict[str, Any]], seen: dict[str, str]) -> None:
    for call in calls:
        if seen.get(call["call_id"]) != call["state"]:
            seen[call["call_id"]] = call["state"]
            console.print(f"{call['call_id']}: {call['state']}", highlight=False)


def _table(calls: list[dict[str, Any]]) -> Table:
    table = Table("call", "state", "packets", "runs", "sentiment", title="Calls")
    colours = {"ARCHIVED": "green", "FAILED": "red", "PROCESSING_AI": "yellow"}
    for call in calls:
        colour = colours.get(call["state"], "cyan")
        table.add_row(
            call["call_id"],
            f"[{colour}]{call['state']}[/]",
            str(sum(stream["received"] for stream in call["streams"])),
            str(call["runs"]),
            call["sentiment"]["label"] if call["sentiment"] else "",
        )
    return table


async def _show_one(console: Console, session: aiohttp.ClientSession) -> None:
    for call in await _newest(session, 1):
        console.print(f"\nTranscript of {call['call_id']}, as the simulated AI heard it:", highlight=False)
        console.print(call["transcript"] or "(none)", markup=False, highlight=False)
        console.print("Summary:", call["summary"] or "(none)", markup=False, highlight=False)


async def _newest(session: aiohttp.ClientSession, count: int) -> list[dict[str, Any]]:
    async with session.get("/v1/calls", params={"limit": str(count)}) as answer:
        answer.raise_for_status()
        calls: list[dict[str, Any]] = (await answer.json())["calls"]
        return calls


@asynccontextmanager
async def _process(
    log: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process of ours that writes to ``log``, until the end of the block."""
    with log.open("ab") as output:
        process = await _start(*arguments, environment=environment, output=output.fileno())
    try:
        yield process
    finally:
        await _end(process)


async def _start(
    *arguments: str, environment: Mapping[str, str] | None = None, output: int | None = None
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "entrypoints",
        *arguments,
        env={**os.environ, **(environment or {})},
        stdout=output,
        stderr=output,
        start_new_session=True,  # Ctrl-C is ours to pass on
    )


async def _wait_for(process: asyncio.subprocess.Process) -> int:
    try:
        return await process.wait()
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("trunkline: ") if lines else f"the service did not start; see {log}"

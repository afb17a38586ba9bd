"""Trunkline's own processes, started and killed as an operator would."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs

START_SECONDS = 60
_LISTENING = re.compile(r"http://127\.0\.0\.1:\d+")


@attrs.frozen
class RunningProcess:
    """``url`` is where it listens; ``log`` what it wrote."""

    process: asyncio.subprocess.Process
    url: str
    log: Path

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Its log's lines of this event."""
        whole = [line for line in self.log.read_text().splitlines(keepends=True) if line.endswith("\n")]
        lines = [json.loads(line) for line in whole if line.startswith("{")]
        return [line for line in lines if line["event"] == event]

    async def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return await self.process.wait()


async def start(
    log: Path, *arguments: str, environment: Mapping[str, str], module: str = "entrypoints"
) -> RunningProcess:
    """Start ``trunkline …``, or another module, and wait until it says where it listens."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TRUNKLINE_")}
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *arguments,
            stdout=output,
            stderr=output,
            env={**clean, **environment},
        )
    async with asyncio.timeout(START_SECONDS):
        while not (found := _LISTENING.search(log.read_text())):
            if process.returncode is not None:
                raise AssertionError(f"trunkline {' '.join(arguments)} ended: {log.read_text()}")
            await asyncio.sleep(0.05)
    return RunningProcess(process, found[0], log)


@asynccontextmanager
async def running(
    log: Path, *arguments: str, environment: Mapping[str, str]
) -> AsyncIterator[RunningProcess]:
    """The same, for the length of a block; killed at its end if it still runs."""
    process = await start(log, *arguments, environment=environment)
    try:
        yield process
    finally:
        if process.process.returncode is None:
            await process.kill()


async def run_to_its_end(*arguments: str, environment: Mapping[str, str]) -> tuple[int, str]:
    """Exit status and everything that it wrote."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TRUNKLINE_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "entrypoints",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**clean, **environment},
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


def ledger_lines(ledger: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in ledger.read_text().splitlines()]

"""The service and the simulated AI as processes, started, stopped and killed as an operator would."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import aiohttp
import attrs

PROJECT: Final = Path(__file__).parents[1]
READY_SECONDS: Final = 60
STOP_SECONDS: Final = 30


@attrs.frozen
class Ended:
    """How a program ended that was left to itself; ``errors`` is what it wrote to standard error."""

    status: int
    errors: str
    seconds: float


async def run_to_its_end(arguments: Sequence[str], environment: Mapping[str, str]) -> Ended:
    """``python -m …``."""
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *arguments,
        cwd=PROJECT,
        env=_environment_with(environment),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is ours to pass on
    )
    try:
        _, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode is not None
    return Ended(process.returncode, errors.decode(errors="replace"), time.monotonic() - began)


def _environment_with(settings: Mapping[str, str]) -> dict[str, str]:
    """That of this process, without its own settings of Trunkline."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TRUNKLINE_")}
    return {**clean, **settings}


class NotReady(Exception):
    """The process ended, or did not answer in time. The message is the last line that it wrote."""


class RestartableProcess:
    """``python -m …`` that listens at ``url`` whenever it runs; what it writes is appended to ``log``.

    It is ready once it answers 200 at ``ready_path``.
    """

    def __init__(
        self,
        log: Path,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        url: str,
        ready_path: str,
    ) -> None:
        self.url = url
        self._log = log
        self._arguments = tuple(arguments)
        self._environment = dict(environment)
        self._ready_url = url + ready_path
        self._process: asyncio.subprocess.Process | None = None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Returns once it answers that it is ready. Raises NotReady."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *self._arguments,
                cwd=PROJECT,
                env=_environment_with(self._environment),
                stdout=log.fileno(),
                stderr=log.fileno(),
                start_new_session=True,  # Ctrl-C is ours to pass on
            )
        await self._until_ready(self._process)

    @property
    def peak_memory_bytes(self) -> int:
        """The most that it has had in memory so far; see proc_pid_status(5)."""
        assert self._process is not None, "it was never started"
        status = Path(f"/proc/{self._process.pid}/status").read_text("utf-8")
        (peak,) = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
        return int(peak) * 1024

    async def kill(self) -> None:
        await self._end(signal.SIGKILL)

    async def terminate(self) -> int:
        """Its exit status. Killed where it does not end by itself."""
        return await self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """It does nothing more, and does not know it, until :meth:`wake`."""
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "it was never started"
        self._process.send_signal(number)

    async def close(self) -> None:
        if self.is_running:
            await self.terminate()

    async def _end(self, by: signal.Signals) -> int:
        process = self._process
        assert process is not None, "it was never started"
        if process.returncode is not None:
            return process.returncode
        process.send_signal(by)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                return await process.wait()
        except TimeoutError:
            process.kill()
            return await process.wait()

    async def _until_ready(self, process: asyncio.subprocess.Process) -> None:
        try:
            async with asyncio.timeout(READY_SECONDS), aiohttp.ClientSession() as session:
                while not await _answers(session, self._ready_url):
                    if process.returncode is not None:
                        raise NotReady(self._last_line())
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise NotReady(f"not within {READY_SECONDS} s: {self._last_line()}") from None

    def _last_line(self) -> str:
        lines = self._log.read_text("utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "it wrote nothing"


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port

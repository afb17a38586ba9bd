"""The decoder processes."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

DECODER: Final = Path(__file__).with_name("decoder.py")


class DecoderDied(Exception):
    """The decoder process ended in the middle of its work. The next audio gets a new one."""


def speech_is_installed() -> bool:
    return find_spec("pocketsphinx") is not None


class DecoderPool:
    """Half as many processes as there are processors, each started when it is first needed.

    Leaving the context kills them, whatever they are at.
    """

    def __init__(self) -> None:
        self._idle: asyncio.LifoQueue[Process | None] = asyncio.LifoQueue()
        for _ in range(max(1, (os.cpu_count() or 1) // 2)):
            self._idle.put_nowait(None)
        self._running: set[Process] = set()

    @property
    def process_ids(self) -> list[int]:
        """Of the decoders that are running."""
        return [process.pid for process in self._running if process.returncode is None]

    async def decode(self, pcm: bytes) -> list[list[dict[str, Any]]]:
        """Phrases of words as the decoder's module documents them. Raises DecoderDied."""
        process = await self._idle.get()
        try:
            process = process or await self._start()
            phrases = await _converse(process, pcm)
        except BaseException as error:
            # Half a conversation is of no use to the next one, so this process is not used again.
            if process is not None:
                await self._end(process)
            self._idle.put_nowait(None)
            if isinstance(error, (asyncio.IncompleteReadError, ConnectionError)):
                raise DecoderDied from error
            raise
        self._idle.put_nowait(process)
        return phrases

    async def _start(self) -> Process:
        # A session of its own: Ctrl-C in the terminal is for the server, which then ends its decoders.
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", str(DECODER), stdin=PIPE, stdout=PIPE, start_new_session=True
        )
        self._running.add(process)
        return process

    async def _end(self, process: Process) -> None:
        self._running.discard(process)
        if process.returncode is None:
            process.kill()
        await process.wait()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in tuple(self._running):
            await self._end(process)


async def _converse(process: Process, pcm: bytes) -> list[list[dict[str, Any]]]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(len(pcm).to_bytes(4, "big") + pcm)
    await process.stdin.drain()
    size = int.from_bytes(await process.stdout.readexactly(4), "big")
    phrases: list[list[dict[str, Any]]] = json.loads(await process.stdout.readexactly(size))
    return phrases

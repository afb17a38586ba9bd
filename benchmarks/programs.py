"""Running a load generator that is a program of its own, to its end."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path


async def run_program(program: str | Path, arguments: Sequence[str]) -> tuple[int, str]:
    """Exit status, and all that it wrote, in no language but C's. Killed where this is cancelled."""
    started = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "LC_ALL": "C"},
    )
    try:
        output, _ = await started.communicate()
    finally:
        if started.returncode is None:
            started.kill()
            await started.wait()
    return await started.wait(), output.decode(errors="replace")

"""One packet per POST by wrk, which costs a tenth of what a Python client does."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Final

import attrs
import orjson

from benchmarks.latencies import Latencies
from benchmarks.load.http_connection import LoadFailed
from benchmarks.measurement import NotMeasured, Why
from benchmarks.programs import run_program

CONNECTIONS: Final = 128
THREADS: Final = 2
CALLS_PER_THREAD: Final = 64

_SCRIPT: Final = Path(__file__).with_name("packets.lua")
_LONGEST_ANSWER: Final = "30s"


@attrs.frozen
class WrkResult:
    """``broken`` counts connections that failed and answers that never came."""

    seconds: float
    accepted: int
    refused: int
    broken: int
    latencies: Latencies


def require_wrk() -> None:
    """Raises NotMeasured."""
    if shutil.which("wrk") is None:
        raise NotMeasured(Why.SKIPPED, "wrk is not installed: apt-get install wrk")


def wrk_call_ids(prefix: str) -> list[str]:
    """The calls that :func:`post_packets` sends to."""
    return [f"{prefix}-{thread}-{call}" for thread in range(THREADS) for call in range(CALLS_PER_THREAD)]


async def post_packets(url: str, prefix: str, seconds: float) -> WrkResult:
    """As many as go, 128 at a time. Raises LoadFailed."""
    arguments = [f"-t{THREADS}", f"-c{CONNECTIONS}", f"-d{seconds:.0f}s", "--timeout", _LONGEST_ANSWER]
    arguments += ["-s", str(_SCRIPT), url, "--", prefix, str(CALLS_PER_THREAD)]
    _, output = await run_program("wrk", arguments)
    return parse_result(output)


def parse_result(output: str) -> WrkResult:
    """From the line of JSON that the script ends with. Raises LoadFailed."""
    line = output.strip().rpartition("\n")[2]
    try:
        said: dict[str, Any] = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise LoadFailed(f"wrk said {line[:200]!r}") from None
    accepted = said["requests"] - said["refused"]
    latencies = Latencies(said["requests"], said["p50_ms"], said["p99_ms"], said["p99_9_ms"], said["max_ms"])
    return WrkResult(said["seconds"], accepted, said["refused"], said["broken"], latencies)

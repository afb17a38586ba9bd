"""The machine that was measured on: what bears on the figures, and nothing that names it."""

from __future__ import annotations

import os
import platform
import re
import tempfile
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from time import monotonic
from typing import Final

import attrs

PROBE_SECONDS: Final = 1.0
PAGE_BYTES: Final = 8192
_PACKAGES: Final = ("aiohttp", "asyncpg", "uvloop", "orjson")


@attrs.frozen(kw_only=True)
class Machine:
    """``fsyncs_per_second``: one page written and made durable, again and again, where the data is.

    ``load_average`` is of the last minute before the run, and so of what else was running.
    """

    cores: int
    processor: str
    memory_gib: float
    kernel: str
    python: str
    packages: dict[str, str]
    postgresql: dict[str, str]
    fsyncs_per_second: int
    load_average: float

    @property
    def short_name(self) -> str:
        """For a file's name."""
        words = re.sub(r"[^a-z0-9]+", "-", f"{self.cores}-core-{self.processor}".lower())
        return words.strip("-")[:40].rstrip("-")


def examine(folder: Path, postgresql: dict[str, str]) -> Machine:
    """``folder`` is on the disk that PostgreSQL's data is on."""
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        processor=processor_model(Path("/proc/cpuinfo").read_text("utf-8").splitlines()),
        memory_gib=round(memory_bytes() / 2**30, 1),
        kernel=f"{platform.system()} {platform.release()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        packages={name: version(name) for name in _PACKAGES},
        postgresql=postgresql,
        fsyncs_per_second=fsyncs_per_second(folder),
        load_average=round(os.getloadavg()[0], 2),
    )


def memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def processor_model(cpuinfo: Iterable[str]) -> str:
    """From the lines of /proc/cpuinfo; the architecture where it names no model."""
    for line in cpuinfo:
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def fsyncs_per_second(folder: Path, seconds: float = PROBE_SECONDS) -> int:
    page = os.urandom(PAGE_BYTES)
    with tempfile.TemporaryFile(dir=folder) as file:
        began = monotonic()
        count = 0
        while monotonic() - began < seconds:
            os.pwrite(file.fileno(), page, 0)
            os.fdatasync(file.fileno())
            count += 1
        return round(count / (monotonic() - began))

"""Processor time and memory of processes and all that they started, from /proc (Linux)."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs

_PROC: Final = Path("/proc")
_TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_ALL: Final = "all"


@attrs.frozen
class ProcessStatus:
    """``seconds`` includes the children that have ended."""

    parent: int
    seconds: float
    resident_bytes: int


def parse_status(stat: str) -> ProcessStatus:
    """A line of /proc/PID/stat; see proc_pid_stat(5). The command in it may hold anything."""
    fields = stat.rpartition(")")[2].split()
    ticks = sum(int(field) for field in fields[11:15])
    return ProcessStatus(int(fields[1]), ticks / _TICKS_PER_SECOND, int(fields[21]) * _PAGE_BYTES)


def tree(root: int) -> dict[int, ProcessStatus]:
    """The process and its descendants; empty once it has ended."""
    everything = dict(_all_processes())
    found: dict[int, ProcessStatus] = {}
    for process in _with_descendants(root, {pid: status.parent for pid, status in everything.items()}):
        if process in everything:
            found[process] = everything[process]
    return found


def _with_descendants(root: int, parents: Mapping[int, int]) -> list[int]:
    found = [root]
    for ancestor in found:  # grows meanwhile
        found.extend(process for process, parent in parents.items() if parent == ancestor)
    return found


def _all_processes() -> list[tuple[int, ProcessStatus]]:
    found = []
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            try:
                found.append((int(folder.name), parse_status((folder / "stat").read_text())))
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended meanwhile
    return found


def resident_mib(root: int) -> float:
    return sum(status.resident_bytes for status in tree(root).values()) / 2**20


def parse_busy_seconds(stat: str) -> float:
    """Of all processors since the start, from /proc/stat; see proc_stat(5).

    That is all but idling and waiting for a disk, and includes what the host took for other machines.
    """
    user, nice, system, _idle, _waiting, *rest = (int(field) for field in stat.split("\n", 1)[0].split()[1:9])
    return (user + nice + system + sum(rest)) / _TICKS_PER_SECOND


class ProcessorTime:
    """Between :meth:`begin` and :meth:`end`: who used how many cores.

    The client is this process with what it started and waited for, like wrk; ``others`` are all that
    have no part in the measurement, and disturb it.
    """

    def __init__(self, roots: Mapping[str, int]) -> None:
        self._roots = roots
        self._at_begin: dict[str, float] = {}
        self._began = 0.0

    def begin(self) -> None:
        self._at_begin = self._now()
        self._began = time.monotonic()

    def end(self) -> dict[str, float]:
        seconds = time.monotonic() - self._began
        cores = {name: (now - self._at_begin[name]) / seconds for name, now in self._now().items()}
        all_cores = cores.pop(_ALL)
        cores["others"] = max(0.0, all_cores - sum(cores.values()))
        return {name: round(used, 3) for name, used in cores.items()}

    def _now(self) -> dict[str, float]:
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        everyone = {
            _ALL: parse_busy_seconds((_PROC / "stat").read_text()),
            "client": time.process_time() + ended.ru_utime + ended.ru_stime,
        }
        return everyone | {
            name: sum(status.seconds for status in tree(root).values()) for name, root in self._roots.items()
        }

"""Counts of several processes as one, through files that Prometheus's client keeps in a folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, values
from prometheus_client.multiprocess import MultiProcessCollector

_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"


def sharing_in(folder: Path) -> Mapping[str, str]:
    """The environment for processes that are to share their counts in ``folder``, empty at first."""
    return {_FOLDER: str(folder)}


def share_as(process_number: int) -> None:
    """Count in the folder of the environment from now on, for every metric that is made later.

    The number must be no other living process's. Whoever takes a dead one's goes on with its counts; by
    its pid each would begin files of its own, and the dead ones' would be read with every answer for ever.
    """
    make = values.MultiProcessValue
    values.ValueClass = make(lambda: process_number)  # type: ignore[no-untyped-call] # it has no types


def registry_of_all() -> CollectorRegistry | None:
    """What all processes that share have counted; None where this one shares with nobody."""
    if _FOLDER not in os.environ:
        return None
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call] # it has no types
    return registry

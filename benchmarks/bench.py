"""What every contender gets: the options of the run, PostgreSQL, and a place for logs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs

from benchmarks.postgres import Postgres

PROJECT: Final = Path(__file__).parents[1]
WARM_UP_SECONDS: Final = 1.0


@attrs.frozen(kw_only=True)
class Options:
    """As given on the command line; see there."""

    rounds: int
    seconds: float
    only: frozenset[str]
    processes: int | None
    live_calls: int
    live_seconds: float
    large: bool
    large_packets: int
    large_calls: int
    shared_buffers: str
    results: Path


@attrs.frozen
class Bench:
    options: Options
    postgres: Postgres
    folder: Path
    say: Callable[[str], None]
    """Shows what is going on, between measurements."""

    @property
    def seconds(self) -> float:
        """How long one contender is measured in one round, after a second of warming up."""
        return self.options.seconds

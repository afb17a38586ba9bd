"""How far a run is: a bar on a terminal, elsewhere a plain line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

PLAIN_LINE_SECONDS: Final = 5.0


@contextmanager
def progress(console: Console, what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Within the block, a function that takes how many more of ``total`` are done."""
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console) as bar:
            task = bar.add_task(what, total=total)
            yield lambda more: bar.advance(task, more)
    else:
        yield _PlainLines(console, what, total).advance


class _PlainLines:
    def __init__(self, console: Console, what: str, total: int) -> None:
        self._console = console
        self._what = what
        self._total = total
        self._done = 0
        self._next_line_at = time.monotonic() + PLAIN_LINE_SECONDS

    def advance(self, more: int) -> None:
        self._done += more
        now = time.monotonic()
        if self._done >= self._total or now >= self._next_line_at:
            self._next_line_at = now + PLAIN_LINE_SECONDS
            self._console.print(f"{self._what}: {self._done} of {self._total}")

"""Owns every background task of the process."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

Work = Callable[[], Awaitable[object]]

_FIRST_BACK_OFF_SECONDS: Final = 0.5
_LONGEST_BACK_OFF_SECONDS: Final = 10.0

log = logging.getLogger(__name__)


class TaskRunner:
    """Background work by name. Work that raises is logged, waited for and begun again: it never just ends."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._trouble: dict[str, str] = {}

    @property
    def trouble(self) -> Mapping[str, str]:
        """What is backing off at the moment, and the kind of error that made it."""
        return self._trouble

    def keep_running(self, name: str, work: Work) -> None:
        """Run ``work`` until it returns."""
        if name in self._tasks:
            raise ValueError(f"there is a task {name!r} already")
        self._tasks[name] = asyncio.create_task(self._supervise(name, work), name=name)

    def repeat(self, name: str, every_seconds: float, work: Work) -> None:
        """Run ``work`` now and again, with some jitter so that processes do not step in time."""

        async def for_ever() -> None:
            while True:
                await work()
                await asyncio.sleep(every_seconds * random.uniform(0.8, 1.2))  # noqa: S311 # no secret

        self.keep_running(name, for_ever)

    async def finish(self, name: str) -> None:
        """Wait until the named work has returned."""
        task = self._tasks.get(name)
        if task is not None:
            await asyncio.wait({task})

    async def stop(self) -> None:
        """Cancel what still runs, and wait for it to be over."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _supervise(self, name: str, work: Work) -> None:
        back_off_seconds = _FIRST_BACK_OFF_SECONDS
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await work()
            except (Exception, asyncio.CancelledError) as error:  # whatever it was, the work must go on
                if _is_being_cancelled():
                    raise
                self._trouble[name] = type(error).__name__
                if loop.time() - began > _LONGEST_BACK_OFF_SECONDS:
                    back_off_seconds = _FIRST_BACK_OFF_SECONDS
                log.warning("task %s: %r; begun again in %.1f s", name, error, back_off_seconds)
                await asyncio.sleep(back_off_seconds)
                self._trouble.pop(name, None)
                back_off_seconds = min(2 * back_off_seconds, _LONGEST_BACK_OFF_SECONDS)
            else:
                log.debug("task %s is done", name)
                return


def _is_being_cancelled() -> bool:
    """Told apart from work that awaited somebody else's cancelled task, which is a failure like others."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0

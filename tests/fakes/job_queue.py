"""A job queue that takes part in the fake unit of work's transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection
from copy import deepcopy
from datetime import timedelta

import attrs

from domain.call_state import CallState
from tests.fakes.storage import InMemoryStorage, Job

Jobs = dict[str, Job]


@attrs.define(eq=False)
class FakeJobQueue:
    """Notes the changes, which the unit applies when it commits; its own reading sees them already."""

    _storage: InMemoryStorage
    _changes: list[Callable[[Jobs], None]] = attrs.field(factory=list, init=False)

    async def schedule(self, call_id: str, in_seconds: float) -> None:
        due = self._storage.clock.now + timedelta(seconds=in_seconds)

        def have_one(jobs: Jobs) -> None:
            jobs.setdefault(call_id, Job(due))

        self._changes.append(have_one)

    async def hasten(self, call_id: str) -> None:
        now = self._storage.clock.now

        def make_due(jobs: Jobs) -> None:
            job = jobs.get(call_id)
            if job is not None and not job.is_picked:
                job.due = min(job.due, now)

        self._changes.append(make_due)

    async def calls_without_job(self, states: Collection[CallState], most: int) -> dict[str, float]:
        jobs = deepcopy(self._storage.jobs)
        self.apply_to(jobs)
        jobless = {
            call_id: call.seconds_until_due(self._storage.clock.now)
            for call_id, call in self._storage.calls.items()
            if call.state in states and call_id not in jobs
        }
        return dict(list(jobless.items())[:most])

    def apply_to(self, jobs: Jobs) -> None:
        for change in self._changes:
            change(jobs)

"""The call is the truth and its job only a wake-up: calls that should have a job and have none get one."""

from __future__ import annotations

from typing import Final

import attrs

from application.unit_of_work import UnitOfWorkFactory
from domain.call_state import AWAITING_AI

_AT_ONCE: Final = 1_000


@attrs.frozen
class ReconcileJobs:
    """Enqueue again what has no job, however it lost it. Harmless at any time, in any number of processes."""

    _units: UnitOfWorkFactory

    async def __call__(self) -> int:
        """How many calls had no job."""
        async with self._units() as unit:
            jobless = await unit.jobs.calls_without_job(AWAITING_AI, _AT_ONCE)
            for call_id, seconds in sorted(jobless.items()):
                await unit.jobs.schedule(call_id, seconds)
            await unit.commit()
        return len(jobless)

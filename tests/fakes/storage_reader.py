"""Reading what the fake units of work committed."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from application.ports import (
    Backlog,
    CallPosition,
    CallView,
    FailureGroup,
    PacketPosition,
    PacketRun,
    Wanted,
)
from domain.call import Call
from domain.call_state import CallState
from domain.packet import Packet
from tests.fakes.call_reader import InMemoryCallReader
from tests.fakes.storage import InMemoryStorage


@attrs.frozen
class FakeStorageReader:
    """Implements CallReader and BacklogReader."""

    _storage: InMemoryStorage
    _page_bytes: int = 8 * 1024 * 1024

    async def find(self, call_id: str) -> CallView | None:
        self._fail_as_planned()
        return await self._now().find(call_id)

    async def newest(self, wanted: Wanted, after: CallPosition | None, limit: int) -> Sequence[Call]:
        self._fail_as_planned()
        calls = await self._now().newest(wanted, after, limit)
        for call in calls:
            if call.transcript is not None:
                call.transcript = attrs.evolve(call.transcript, segments=())
            call.partial_transcripts = {}
        return calls

    async def failures(self) -> Sequence[FailureGroup]:
        self._fail_as_planned()
        return await self._now().failures()

    async def packets(
        self, call_id: str, stream: str | None, after: PacketPosition | None, limit: int
    ) -> Sequence[Packet]:
        self._fail_as_planned()
        page: list[Packet] = []
        byte_count = 0
        for packet in await self._now().packets(call_id, stream, after, limit):
            if byte_count >= self._page_bytes:
                break
            page.append(packet)
            byte_count += len(packet.data)
        return page

    async def packet_runs(self, call_id: str, stream: str) -> Sequence[PacketRun]:
        self._fail_as_planned()
        return await self._now().packet_runs(call_id, stream)

    async def backlog(self) -> Backlog:
        self._fail_as_planned()
        now = self._storage.clock.now
        calls, jobs = list(self._storage.calls.values()), list(self._storage.jobs.values())
        waiting = [job for job in jobs if not job.is_picked]
        overdue = [(now - job.due).total_seconds() for job in waiting if job.due <= now]
        return Backlog(
            calls={state: sum(call.state is state for call in calls) for state in CallState},
            jobs_due=len(overdue),
            jobs_scheduled=len(waiting) - len(overdue),
            jobs_running=len(jobs) - len(waiting),
            oldest_job_seconds=max(overdue, default=0.0),
        )

    def _now(self) -> InMemoryCallReader:
        return InMemoryCallReader(self._storage.packets.values(), self._storage.views())

    def _fail_as_planned(self) -> None:
        if trouble := self._storage.trouble_at("read"):
            raise trouble.error

"""A CallReader over what a test puts into it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import attrs

from application.ports import CallPosition, CallView, FailureGroup, PacketPosition, PacketRun, Wanted
from domain.analysis import FailureReason
from domain.call import Call
from domain.packet import Packet


class InMemoryCallReader:
    """``packets_a_page`` stands for the bound by which real pages can be shorter than was asked for."""

    def __init__(
        self,
        packets: Iterable[Packet] = (),
        views: Iterable[CallView] = (),
        packets_a_page: int = 1_000,
    ) -> None:
        self.views = {view.call.call_id: view for view in views}
        self._packets: dict[tuple[str, str], list[Packet]] = {}
        self._packets_a_page = packets_a_page
        for packet in packets:
            self.add(packet)

    def add(self, packet: Packet) -> None:
        """Store one more packet."""
        stored = self._packets.setdefault((packet.call_id, packet.stream), [])
        stored.append(packet)
        stored.sort(key=lambda packet: packet.sequence)

    def remove(self, packet: Packet) -> None:
        """Forget a packet, as retention does."""
        self._packets[packet.call_id, packet.stream].remove(packet)

    async def find(self, call_id: str) -> CallView | None:
        return self.views.get(call_id)

    async def newest(self, wanted: Wanted, after: CallPosition | None, limit: int) -> Sequence[Call]:
        calls = sorted(
            (view.call for view in self.views.values() if _is_wanted(view.call, wanted)),
            key=lambda call: (call.started_at, call.call_id),
            reverse=True,
        )
        if after is not None:
            calls = [
                call for call in calls if (call.started_at, call.call_id) < (after.started_at, after.call_id)
            ]
        return calls[:limit]

    async def failures(self) -> Sequence[FailureGroup]:
        views = sorted(
            self.views.values(), key=lambda view: (view.call.started_at, view.call.call_id), reverse=True
        )
        groups: dict[FailureReason, FailureGroup] = {}
        for view in views:
            if (failure := view.call.failure) is not None:
                first = FailureGroup(failure.reason, 0, view.history[-1].at, failure.detail)
                group = groups.get(failure.reason, first)
                groups[failure.reason] = attrs.evolve(group, count=group.count + 1)
        return sorted(groups.values(), key=lambda group: (-group.count, group.reason.value))

    async def packets(
        self, call_id: str, stream: str | None, after: PacketPosition | None, limit: int
    ) -> Sequence[Packet]:
        found = [
            packet
            for key in sorted(self._packets)
            if key[0] == call_id and stream in (None, key[1])
            for packet in self._packets[key]
            if after is None or (packet.stream, packet.sequence) > (after.stream, after.sequence)
        ]
        return found[: min(limit, self._packets_a_page)]

    async def packet_runs(self, call_id: str, stream: str) -> Sequence[PacketRun]:
        return self.runs(call_id, stream)

    def runs(self, call_id: str, stream: str) -> list[PacketRun]:
        runs: list[PacketRun] = []
        for packet in self._packets.get((call_id, stream), ()):
            run = runs[-1] if runs else PacketRun(packet.sequence, 0, len(packet.data))
            if (packet.sequence, len(packet.data)) == (run.first + run.count, run.byte_count):
                runs[-1:] = [attrs.evolve(run, count=run.count + 1)]
            else:
                runs.append(PacketRun(packet.sequence, 1, len(packet.data)))
        return runs


def _is_wanted(call: Call, wanted: Wanted) -> bool:
    if wanted.state not in (None, call.state):
        return False
    if wanted.failure_reason is not None and (
        call.failure is None or call.failure.reason is not wanted.failure_reason
    ):
        return False
    said = call.transcript.text if call.transcript else ""
    words = re.split(r"\W|_", " ".join([call.call_id, *call.metadata.values(), said]).lower())
    return all(any(word.startswith(asked.lower()) for word in words) for asked in wanted.words)

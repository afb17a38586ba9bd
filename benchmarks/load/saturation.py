"""As many packets as go over a few WebSockets, each with a window of what is not acknowledged yet."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Final

import attrs

from benchmarks.load.acks import Ranges
from benchmarks.load.http_connection import LoadFailed
from benchmarks.load.websocket_connection import WebSocketConnection, all_open_for
from benchmarks.load.websocket_frames import PacketFrames

WINDOW_PACKETS: Final = 2000
_LAST_ACKS_MAY_TAKE_SECONDS: Final = 30


@attrs.frozen
class SaturationResult:
    """``in_time`` was acknowledged within the measured seconds, ``acknowledged`` in all."""

    seconds: float
    in_time: int
    acknowledged: int
    sent: int


class Saturation:
    """Each acknowledgement makes room in its connection's window, and the room is filled at once."""

    def __init__(self, frames: PacketFrames) -> None:
        self._frames = frames
        self._from = 0.0
        self._until = 0.0
        self._in_time = 0
        self._sent_frames: dict[WebSocketConnection, int] = {}
        self._all_acknowledged = asyncio.Event()

    async def run(
        self, port: int, call_ids: Sequence[str], warm_up_seconds: float, seconds: float
    ) -> SaturationResult:
        """One connection for each call. Raises NotMeasured, LoadFailed."""
        for call_id in call_ids:
            self._sent_frames[await WebSocketConnection.open(port, call_id, self._hear)] = 0
        self._from = monotonic() + warm_up_seconds
        self._until = self._from + seconds
        for connection in self._sent_frames:
            self._fill_window(connection)
        await all_open_for(self._sent_frames, self._until - monotonic())
        if not self._nothing_is_open():
            rest = asyncio.create_task(self._all_acknowledged.wait())
            await all_open_for(self._sent_frames, _LAST_ACKS_MAY_TAKE_SECONDS, until=rest)
            rest.cancel()
        for connection in self._sent_frames:
            connection.close()
        acknowledged = sum(connection.acks.count for connection in self._sent_frames)
        sent = sum(self._sent_packets(connection) for connection in self._sent_frames)
        return SaturationResult(seconds, self._in_time, acknowledged, sent)

    def _fill_window(self, connection: WebSocketConnection) -> None:
        if connection.is_paused or monotonic() >= self._until:
            return
        sent = self._sent_frames[connection]
        free_packets = WINDOW_PACKETS - (self._sent_packets(connection) - connection.acks.count)
        after = sent + free_packets // self._frames.packets_per_frame
        if after > len(self._frames):
            raise LoadFailed("the frames that were built ahead are used up")
        if after > sent:
            self._sent_frames[connection] = after
            connection.send(self._frames.run(sent, after))

    def _hear(self, connection: WebSocketConnection, acked: Ranges) -> None:
        if self._from <= monotonic() < self._until:
            self._in_time += sum(last - first + 1 for first, last in acked)
        self._fill_window(connection)
        if monotonic() >= self._until and self._nothing_is_open():
            self._all_acknowledged.set()

    def _nothing_is_open(self) -> bool:
        return all(
            connection.acks.count >= self._sent_packets(connection) for connection in self._sent_frames
        )

    def _sent_packets(self, connection: WebSocketConnection) -> int:
        return self._sent_frames[connection] * self._frames.packets_per_frame

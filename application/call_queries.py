"""Looking at calls. Nothing here locks or changes anything."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from application.ports import (
    CallPosition,
    CallReader,
    CallView,
    FailureGroup,
    PacketPosition,
    Recordings,
    Wanted,
    Waveform,
    WavFile,
)
from domain.call import Call
from domain.errors import AudioDropped, NoAudio, UnknownCall, UnknownStream
from domain.packet import Packet


@attrs.frozen
class CallQueries:
    """Every method may raise StorageUnavailable."""

    _reader: CallReader
    _recordings: Recordings

    async def call(self, call_id: str) -> CallView:
        """Raises UnknownCall."""
        view = await self._reader.find(call_id)
        if view is None:
            raise UnknownCall(call_id)
        return view

    async def newest(
        self, wanted: Wanted, after: CallPosition | None, limit: int
    ) -> tuple[Sequence[Call], CallPosition | None]:
        """A page of calls, newest first, and where the next one begins."""
        calls = await self._reader.newest(wanted, after, limit + 1)
        if len(calls) <= limit:
            return calls, None
        last = calls[limit - 1]
        return calls[:limit], CallPosition(last.started_at, last.call_id)

    async def packets(
        self, call_id: str, stream: str | None, after: PacketPosition | None, limit: int
    ) -> tuple[Call, Sequence[Packet], PacketPosition | None]:
        """The call, a page of its packets, and where the next one begins. Raises UnknownCall."""
        call = (await self.call(call_id)).call
        packets = await self._reader.packets(call_id, stream, after, limit)
        if not packets:
            return call, packets, None
        last = PacketPosition(packets[-1].stream, packets[-1].sequence)
        more = await self._reader.packets(call_id, stream, last, 1)
        return call, packets, last if more else None

    async def failures(self) -> Sequence[FailureGroup]:
        """Calls that are FAILED, by reason; the largest group first."""
        return await self._reader.failures()

    async def wav(self, call_id: str, stream: str | None = None) -> WavFile:
        """The whole call, or one stream of it. Raises UnknownCall, UnknownStream, NoAudio, AudioDropped."""
        call = await self._audio_call(call_id)
        if stream is not None and stream not in call.streams:
            raise UnknownStream(call_id, stream)
        return await self._recordings.wav(call, stream)

    async def waveform(self, call_id: str, points: int) -> Waveform:
        """Raises UnknownCall, NoAudio, AudioDropped."""
        return await self._recordings.waveform(await self._audio_call(call_id), points)

    async def _audio_call(self, call_id: str) -> Call:
        call = (await self.call(call_id)).call
        if not call.media.is_audio:
            raise NoAudio(call_id)
        if await were_dropped(call, self._reader):
            raise AudioDropped(call_id)
        return call


async def were_dropped(call: Call, reader: CallReader) -> bool:
    """Whether packets were received and none is kept: a call's packets are dropped together."""
    return bool(call.streams) and not await reader.packets(call.call_id, None, None, 1)

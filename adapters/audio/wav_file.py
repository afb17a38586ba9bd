"""A call's streams as one WAV file, made from whichever byte on it is read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

import attrs

from adapters.audio.pcm import SAMPLE_BYTES, interleaved, mixed_down
from adapters.audio.stream_sound import StreamSound
from adapters.audio.wav_header import HEADER_BYTES, wav_header

CHUNK_FRAMES_OF_ALL_CHANNELS: Final = 128 * 1_024
PACKETS_IN_MEMORY: Final = 1_024
"""Of all streams that are read side by side."""


@attrs.frozen
class Track:
    sound: StreamSound
    offset_seconds: float

    def lead_frames(self, rate_hz: int) -> int:
        return round(self.offset_seconds * rate_hz)


@attrs.frozen
class PacketWavFile:
    """Keeps the promise of :class:`application.ports.WavFile`: ``frames`` frames, a channel each track."""

    _tracks: Sequence[Track]
    _rate_hz: int
    _frames: int
    version: str | None

    @property
    def byte_count(self) -> int:
        return HEADER_BYTES + self._frames * self._frame_bytes

    async def chunks(self, first_byte: int = 0, after_byte: int | None = None) -> AsyncIterator[bytes]:
        end = self.byte_count if after_byte is None else min(after_byte, self.byte_count)
        if header := wav_header(self._channels, self._rate_hz, self._frames)[first_byte:end]:
            yield header
        first, after = max(0, first_byte - HEADER_BYTES), max(0, end - HEADER_BYTES)
        first_frame, skipped = divmod(first, self._frame_bytes)
        left = after - first
        async for frames in self._interleaved(first_frame, -(-after // self._frame_bytes)):
            piece = frames[skipped : skipped + left]
            skipped = 0
            left -= len(piece)
            yield piece

    @property
    def _channels(self) -> int:
        return max(1, len(self._tracks))

    @property
    def _frame_bytes(self) -> int:
        return self._channels * SAMPLE_BYTES

    async def _interleaved(self, first: int, after: int) -> AsyncIterator[bytes]:
        """These frames, some at a time."""
        page = max(4, PACKETS_IN_MEMORY // self._channels)
        channels = [_Channel(track, self._rate_hz, first, after, page) for track in self._tracks]
        most = max(1, min(self._rate_hz, CHUNK_FRAMES_OF_ALL_CHANNELS // self._channels))
        for start in range(first, after, most):
            byte_count = min(most, after - start) * SAMPLE_BYTES
            yield interleaved([await channel.read(byte_count) for channel in channels])
            await asyncio.sleep(0)


class _Channel:
    """A track from a frame of the call on, mixed down: silence before it begins and after it ends."""

    def __init__(
        self, track: Track, rate_hz: int, first_frame: int, after_frame: int, packets_a_page: int
    ) -> None:
        lead = track.lead_frames(rate_hz)
        first, after = max(0, first_frame - lead), max(0, after_frame - lead)
        self._blocks = track.sound.pcm(packets_a_page, first, after)
        self._channels = track.sound.media.channels or 1
        self._lead_bytes = max(0, lead - first_frame) * SAMPLE_BYTES
        self._ready = bytearray()

    async def read(self, byte_count: int) -> bytes:
        """The next ``byte_count`` bytes. Raises StorageUnavailable."""
        lead = min(self._lead_bytes, byte_count)
        self._lead_bytes -= lead
        return (bytes(lead) + await self._take(byte_count - lead)).ljust(byte_count, b"\0")

    async def _take(self, byte_count: int) -> bytes:
        while len(self._ready) < byte_count:
            block = await anext(self._blocks, None)
            if block is None:
                break
            self._ready += mixed_down(block, self._channels)
        taken = bytes(self._ready[:byte_count])
        del self._ready[:byte_count]
        return taken

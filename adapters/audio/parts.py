"""A stream's channels as the parts that a transcription service takes."""

from __future__ import annotations

import asyncio
import audioop
from collections.abc import AsyncIterator, Collection
from typing import Final

import attrs

from adapters.audio.cutting import PART_RATE_HZ, PartCutter, Stretch
from adapters.audio.pcm import SAMPLE_BYTES, one_channel
from adapters.audio.stream_sound import StreamSound
from adapters.audio.wav_header import HEADER_BYTES, wav_header
from application.ports import RecordingPart

SMALLEST_LIMIT_BYTES: Final = HEADER_BYTES + PART_RATE_HZ * SAMPLE_BYTES
"""A second of audio."""
SHORTEST_FRAMES: Final = PART_RATE_HZ // 5
"""Services refuse audio of less than 0.1 s; what is shorter than 0.2 s is filled up with silence."""
PACKETS_A_PAGE: Final = 1_000

_RateState = tuple[int, tuple[tuple[int, int], ...]] | None


@attrs.frozen
class ChannelCutter:
    """Cuts one channel of one stream into parts whose WAV files have ``max_part_bytes`` at most."""

    sound: StreamSound
    channel: int
    offset_seconds: float
    max_part_bytes: int

    async def parts(self, skip: Collection[str]) -> AsyncIterator[RecordingPart]:
        """The parts in order, without those named in ``skip`` and those that are digital silence."""
        async for stretch in self._stretches():
            name = self._name(stretch)
            if name not in skip:
                part = await asyncio.to_thread(self._part, name, stretch)
                if part is not None:
                    yield part

    async def _stretches(self) -> AsyncIterator[Stretch]:
        cutter = PartCutter((self.max_part_bytes - HEADER_BYTES) // SAMPLE_BYTES)
        resampler = _Resampler(self.sound.media.sample_rate_hz or PART_RATE_HZ)
        channels = self.sound.media.channels or 1
        async for pcm in self.sound.pcm(PACKETS_A_PAGE):
            for stretch in cutter.feed(resampler.resampled(one_channel(pcm, self.channel, channels))):
                yield stretch
        for stretch in cutter.finish():
            yield stretch

    def _name(self, stretch: Stretch) -> str:
        start_ms, end_ms = (
            frame * 1_000 // PART_RATE_HZ for frame in (stretch.start_frame, stretch.end_frame)
        )
        return f"{self.sound.stream}/{self.channel}/{start_ms}-{end_ms}"

    def _part(self, name: str, stretch: Stretch) -> RecordingPart | None:
        if audioop.max(stretch.pcm, SAMPLE_BYTES) == 0:
            return None
        frames = max(len(stretch.pcm) // SAMPLE_BYTES, SHORTEST_FRAMES)
        padding = bytes(frames * SAMPLE_BYTES - len(stretch.pcm))
        return RecordingPart(
            name=name,
            stream=self.sound.stream,
            start_seconds=self.offset_seconds + stretch.start_frame / PART_RATE_HZ,
            wav=b"".join((wav_header(1, PART_RATE_HZ, frames), stretch.pcm, padding)),
        )


class _Resampler:
    """Brings mono audio to 16 kHz, block by block without a seam."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._state: _RateState = None

    def resampled(self, pcm: bytes) -> bytes:
        if self._rate_hz == PART_RATE_HZ:
            return pcm
        out, self._state = audioop.ratecv(pcm, SAMPLE_BYTES, 1, self._rate_hz, PART_RATE_HZ, self._state)
        return out

"""An audio call's packets as sound."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Final

import attrs

from adapters.audio.alignment import offsets_seconds
from adapters.audio.parts import SMALLEST_LIMIT_BYTES, ChannelCutter
from adapters.audio.pcm import SAMPLE_BYTES, interleaved, mixed_down
from adapters.audio.stream_sound import StreamSound
from adapters.audio.wav_header import HEADER_BYTES, wav_header
from adapters.audio.waveform import peaks_of
from application.ports import CallReader, RecordingPart, StreamWaveform, Waveform, WavFile
from domain.call import Call

CHUNK_FRAMES_OF_ALL_CHANNELS: Final = 128 * 1_024
PACKETS_IN_MEMORY: Final = 1_024
"""Of all streams that are read side by side."""


class PacketRecordings:
    """Keeps the promise of :class:`application.ports.Recordings` over stored packets.

    Every channel of every stream is transcribed on its own, for it is who speaks: a part is named
    ``stream/channel/start-end``, in milliseconds of its stream. Parts that are digital silence all
    through are left out; nothing can be heard in them. Streams are aligned by the timestamps of their
    first packets. Memory holds one part and a page of packets, however long the call.
    """

    def __init__(self, reader: CallReader, max_part_bytes: int) -> None:
        """``max_part_bytes`` is what the transcription service takes as one WAV file: a second at least."""
        if max_part_bytes < SMALLEST_LIMIT_BYTES:
            raise ValueError(f"max_part_bytes must be {SMALLEST_LIMIT_BYTES} at least")
        self._reader = reader
        self._max_part_bytes = max_part_bytes

    def parts(self, call: Call, skip: Collection[str]) -> AsyncIterator[RecordingPart]:
        """Raises ValueError for a text call; the iterator raises StorageUnavailable."""
        _require_audio(call)
        return self._parts(call, frozenset(skip))

    async def _parts(self, call: Call, skip: frozenset[str]) -> AsyncIterator[RecordingPart]:
        for track in await self._tracks(call):
            for channel in range(call.media.channels or 0):
                cutter = ChannelCutter(track.sound, channel, track.offset_seconds, self._max_part_bytes)
                async for part in cutter.parts(skip):
                    yield part

    async def wav(self, call: Call, stream: str | None = None) -> WavFile:
        """Several channels of one stream are mixed down. Raises ValueError for a text call."""
        _require_audio(call)
        tracks = await self._tracks(call)
        rate_hz = call.media.sample_rate_hz or 0
        frames = _frames(tracks, rate_hz)
        if stream is not None:
            tracks = [track for track in tracks if track.sound.stream == stream]
        channels = max(1, len(tracks))
        return WavFile(
            byte_count=HEADER_BYTES + frames * channels * SAMPLE_BYTES,
            chunks=_wav_chunks(tracks, rate_hz, frames),
        )

    async def waveform(self, call: Call, points: int) -> Waveform:
        """Peaks are of what :meth:`wav` plays. Raises ValueError for a text call."""
        _require_audio(call)
        tracks = await self._tracks(call)
        rate_hz = call.media.sample_rate_hz or 1
        frames = _frames(tracks, rate_hz)
        streams = []
        for track in tracks:
            lead = track.lead_frames(rate_hz)
            peaks = await peaks_of(track.sound.pcm(PACKETS_IN_MEMORY), lead, frames, points, call.media)
            gaps = [
                ((lead + first) / rate_hz, (lead + after) / rate_hz)
                for first, after in track.sound.timeline.gaps
            ]
            streams.append(StreamWaveform(track.sound.stream, peaks, gaps))
        return Waveform(frames / rate_hz, streams)

    async def _tracks(self, call: Call) -> list[_Track]:
        sounds = []
        for stream in sorted(call.streams):
            sound = await StreamSound.open(self._reader, call.call_id, stream, call.media)
            if sound is not None:
                sounds.append(sound)
        offsets = offsets_seconds([sound.first_timestamp for sound in sounds])
        return [_Track(sound, offset) for sound, offset in zip(sounds, offsets, strict=True)]


@attrs.frozen
class _Track:
    sound: StreamSound
    offset_seconds: float

    def lead_frames(self, rate_hz: int) -> int:
        return round(self.offset_seconds * rate_hz)


def _frames(tracks: Sequence[_Track], rate_hz: int) -> int:
    """Of the whole call."""
    return max((track.lead_frames(rate_hz) + track.sound.frames for track in tracks), default=0)


async def _wav_chunks(tracks: Sequence[_Track], rate_hz: int, frames: int) -> AsyncIterator[bytes]:
    yield wav_header(max(1, len(tracks)), rate_hz, frames)
    if not tracks:
        return
    page = max(4, PACKETS_IN_MEMORY // len(tracks))
    channels = [
        _Channel(track.sound, track.lead_frames(rate_hz) * SAMPLE_BYTES, packets_a_page=page)
        for track in tracks
    ]
    chunk_frames = max(1, min(rate_hz, CHUNK_FRAMES_OF_ALL_CHANNELS // len(tracks)))
    for start in range(0, frames, chunk_frames):
        byte_count = min(chunk_frames, frames - start) * SAMPLE_BYTES
        yield interleaved([await channel.read(byte_count) for channel in channels])
        await asyncio.sleep(0)


class _Channel:
    """A stream as one endless channel: silence before it begins and after it ends."""

    def __init__(self, sound: StreamSound, lead_bytes: int, packets_a_page: int) -> None:
        self._blocks = sound.pcm(packets_a_page)
        self._channels = sound.media.channels or 1
        self._lead_bytes = lead_bytes
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


def _require_audio(call: Call) -> None:
    if not call.media.is_audio:
        raise ValueError(f"call {call.call_id!r} is a text call and has no sound")

"""An audio call's packets as sound."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Final

from adapters.audio.alignment import offsets_seconds
from adapters.audio.parts import SMALLEST_LIMIT_BYTES, ChannelCutter
from adapters.audio.stream_sound import StreamSound
from adapters.audio.wav_file import PACKETS_IN_MEMORY, PacketWavFile, Track
from adapters.audio.waveform import peaks_of
from application.ports import CallReader, RecordingPart, StreamWaveform, Waveform, WavFile
from domain.call import Call
from domain.call_state import RECEIVING

RENDERING: Final = 1
"""To be changed by whoever changes what bytes are made of the same packets."""


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
        return PacketWavFile(tracks, rate_hz, frames if tracks else 0, _version(call, stream, frames))

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

    async def _tracks(self, call: Call) -> list[Track]:
        sounds = []
        for stream in sorted(call.streams):
            sound = await StreamSound.open(self._reader, call.call_id, stream, call.media)
            if sound is not None:
                sounds.append(sound)
        offsets = offsets_seconds([sound.first_timestamp for sound in sounds])
        return [Track(sound, offset) for sound, offset in zip(sounds, offsets, strict=True)]


def _frames(tracks: Sequence[Track], rate_hz: int) -> int:
    """Of the whole call."""
    return max((track.lead_frames(rate_hz) + track.sound.frames for track in tracks), default=0)


def _version(call: Call, stream: str | None, frames: int) -> str | None:
    """Of a call that takes no packets any more. ``frames`` are fewer where its packets are dropped by now."""
    if call.state in RECEIVING:
        return None
    received = [
        (name, known.received_bytes, *known.received.ranges()) for name, known in sorted(call.streams.items())
    ]
    named = (RENDERING, call.call_id, call.started_at.isoformat(), stream, frames, received)
    return hashlib.sha256(repr(named).encode()).hexdigest()[:32]


def _require_audio(call: Call) -> None:
    if not call.media.is_audio:
        raise ValueError(f"call {call.call_id!r} is a text call and has no sound")

"""Recordings held in memory: the promise of the port, kept the plain way."""

from __future__ import annotations

import audioop
import hashlib
import io
import math
import wave
from array import array
from collections.abc import AsyncIterator, Collection, Iterable

import attrs

from application.ports import RecordingPart, StreamWaveform, Waveform, WavFile
from domain.call import Call
from domain.call_state import RECEIVING
from domain.media_format import Encoding
from domain.packet import Packet

PART_RATE_HZ = 16_000
MAX_FILLED_SECONDS = 3_600
DAY_SECONDS = 86_400


class FakeRecordings:
    """For short calls: all is decoded at once. Parts are cut every ``part_seconds``, wherever that is."""

    def __init__(self, packets: Iterable[Packet] = (), part_seconds: int = 300) -> None:
        self.packets = list(packets)
        self.part_seconds = part_seconds

    def parts(self, call: Call, skip: Collection[str]) -> AsyncIterator[RecordingPart]:
        _require_audio(call)
        return self._parts(call, skip)

    async def _parts(self, call: Call, skip: Collection[str]) -> AsyncIterator[RecordingPart]:
        for stream, packets in self._streams(call).items():
            for channel, samples in enumerate(_channels(packets, call)):
                for part in self._cut(
                    stream, channel, _at_part_rate(samples, call), self._offset(call, stream)
                ):
                    if part.name not in skip:
                        yield part

    def _cut(self, stream: str, channel: int, pcm: bytes, offset: float) -> Iterable[RecordingPart]:
        step = self.part_seconds * PART_RATE_HZ * 2
        for start in range(0, len(pcm), step):
            piece = pcm[start : start + step]
            if any(piece):
                start_ms, end_ms = start // 32, (start + len(piece)) // 32
                yield RecordingPart(
                    name=f"{stream}/{channel}/{start_ms}-{end_ms}",
                    stream=stream,
                    start_seconds=offset + start_ms / 1_000,
                    wav=_wav([piece], PART_RATE_HZ),
                )

    async def wav(self, call: Call, stream: str | None = None) -> WavFile:
        _require_audio(call)
        tracks = [track for name, track in self._tracks(call).items() if stream in (None, name)]
        content = _wav(tracks or [b""], call.media.sample_rate_hz or 0)
        return _WavInMemory(content, can_change=call.state in RECEIVING)

    async def waveform(self, call: Call, points: int) -> Waveform:
        """Sample by sample. Gaps are those between packets, each as long as the packet before it says."""
        _require_audio(call)
        rate = call.media.sample_rate_hz or 1
        tracks = self._tracks(call)
        frames = max((len(track) // 2 for track in tracks.values()), default=0)
        streams = [
            StreamWaveform(
                name,
                [
                    max((abs(track[at]) for at in _frames_of(point, points, frames)), default=0) / 32_768
                    for point in range(points)
                ],
                self._gaps(call, name, rate),
            )
            for name, track in ((name, array("h", pcm)) for name, pcm in tracks.items())
        ]
        return Waveform(frames / rate, streams)

    def _tracks(self, call: Call) -> dict[str, bytes]:
        rate = call.media.sample_rate_hz or 0
        tracks = {}
        for stream, packets in self._streams(call).items():
            lead = bytes(2 * round(self._offset(call, stream) * rate))
            tracks[stream] = lead + _mean(_channels(packets, call))
        longest = max(map(len, tracks.values()), default=0)
        return {name: track.ljust(longest, b"\0") for name, track in tracks.items()}

    def _gaps(self, call: Call, stream: str, rate: int) -> list[tuple[float, float]]:
        at = round(self._offset(call, stream) * rate)
        gaps = []
        expected, before = 1, 0
        for packet in self._streams(call)[stream]:
            frames = len(packet.data) // call.media.bytes_per_frame
            missing = max(0, packet.sequence - expected) * (before or frames)
            if missing:
                gaps.append((at / rate, (at + missing) / rate))
            at += missing + frames
            expected, before = packet.sequence + 1, frames
        return gaps

    def _streams(self, call: Call) -> dict[str, list[Packet]]:
        streams: dict[str, list[Packet]] = {}
        for packet in sorted(self.packets, key=lambda packet: (packet.stream, packet.sequence)):
            if packet.call_id == call.call_id and packet.stream in call.streams:
                streams.setdefault(packet.stream, []).append(packet)
        return streams

    def _offset(self, call: Call, stream: str) -> float:
        firsts = {name: packets[0].timestamp for name, packets in self._streams(call).items()}
        offset = firsts[stream] - min(filter(math.isfinite, firsts.values()), default=0.0)
        return offset if 0 <= offset <= DAY_SECONDS else 0.0


def _frames_of(point: int, points: int, frames: int) -> Iterable[int]:
    """One at least, where there are any."""
    own = [frame for frame in range(frames) if frame * points // frames == point]
    return own or ([point * frames // points] if frames else [])


def _require_audio(call: Call) -> None:
    if not call.media.is_audio:
        raise ValueError("a text call has no sound")


def _channels(packets: list[Packet], call: Call) -> list[bytes]:
    """The stream's samples by channel, with what is missing filled in."""
    frame_bytes, rate, channels = call.media.bytes_per_frame, call.media.sample_rate_hz, call.media.channels
    assert rate is not None
    assert channels is not None
    left = MAX_FILLED_SECONDS * rate
    pcm = b""
    expected, before = min(1, packets[0].sequence), len(packets[0].data) // frame_bytes
    for packet in packets:
        filled = min(left, (packet.sequence - expected) * before)
        left -= filled
        pcm += bytes(2 * channels * filled) + _decoded(packet.data, call.media.encoding)
        expected, before = packet.sequence + 1, len(packet.data) // frame_bytes
    return [
        b"".join(pcm[at : at + 2] for at in range(2 * channel, len(pcm), 2 * channels))
        for channel in range(channels)
    ]


def _decoded(data: bytes, encoding: Encoding) -> bytes:
    if encoding is Encoding.L16:
        return data
    decode = audioop.ulaw2lin if encoding is Encoding.MULAW else audioop.alaw2lin
    return decode(data, 2)


def _mean(channels: list[bytes]) -> bytes:
    mix = bytes(len(channels[0]))
    for channel in channels:
        mix = audioop.add(mix, audioop.mul(channel, 2, 1 / len(channels)), 2)
    return mix


def _at_part_rate(pcm: bytes, call: Call) -> bytes:
    rate = call.media.sample_rate_hz or PART_RATE_HZ
    return pcm if rate == PART_RATE_HZ else audioop.ratecv(pcm, 2, 1, rate, PART_RATE_HZ, None)[0]


def _wav(channels: list[bytes], rate_hz: int) -> bytes:
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        samples = range(0, len(channels[0]), 2)
        file.writeframes(b"".join(channel[at : at + 2] for at in samples for channel in channels))
    return content.getvalue()


@attrs.frozen
class _WavInMemory:
    _content: bytes
    _can_change: bool = attrs.field(kw_only=True)

    @property
    def byte_count(self) -> int:
        return len(self._content)

    @property
    def version(self) -> str | None:
        return None if self._can_change else hashlib.sha256(self._content).hexdigest()

    async def chunks(self, first_byte: int = 0, after_byte: int | None = None) -> AsyncIterator[bytes]:
        asked = self._content[first_byte:after_byte]
        for start in range(0, len(asked), 64 * 1_024):
            yield asked[start : start + 64 * 1_024]

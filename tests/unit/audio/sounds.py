"""Calls, packets and WAV files for tests that listen."""

from __future__ import annotations

import io
import math
import wave
from array import array
from collections.abc import AsyncIterable, Iterable
from datetime import UTC, datetime

from application.ports import RecordingPart, WavFile
from domain.audio_stream import AudioStream
from domain.call import Call
from domain.media_format import Encoding, MediaFormat
from domain.packet import Packet

CALL_ID = "c-1"
L16_8K = MediaFormat(Encoding.L16, 8_000, 1)
L16_16K = MediaFormat(Encoding.L16, 16_000, 1)


def call_of(packets: Iterable[Packet], media: MediaFormat = L16_8K) -> Call:
    """A call that received these packets."""
    call = Call.start(CALL_ID, datetime(2026, 1, 1, tzinfo=UTC), media)
    for packet in packets:
        stream = call.streams.setdefault(packet.stream, AudioStream(packet.stream))
        stream.add(packet.sequence, len(packet.data))
    return call


def packet(sequence: int, data: bytes, stream: str = "main", timestamp: float = 0.0) -> Packet:
    return Packet(CALL_ID, stream, sequence, timestamp, data)


def samples(*values: int) -> bytes:
    return array("h", values).tobytes()


def tone(seconds: float, rate_hz: int = 8_000, amplitude: int = 8_000, pitch_hz: int = 440) -> bytes:
    step = 2 * math.pi * pitch_hz / rate_hz
    return samples(*(round(amplitude * math.sin(step * at)) for at in range(round(seconds * rate_hz))))


def packets_of(
    pcm: bytes, packet_bytes: int = 320, stream: str = "main", timestamp: float = 0.0
) -> list[Packet]:
    """The bytes in packets numbered from 1."""
    return [
        packet(1 + start // packet_bytes, pcm[start : start + packet_bytes], stream, timestamp)
        for start in range(0, len(pcm), packet_bytes)
    ]


class Heard:
    """A WAV file read by the standard library."""

    def __init__(self, content: bytes) -> None:
        with wave.open(io.BytesIO(content)) as file:
            self.rate_hz = file.getframerate()
            self.sample_bytes = file.getsampwidth()
            self.frames = file.getnframes()
            interleaved = array("h", file.readframes(self.frames))
            self.channels = [
                list(interleaved[at :: file.getnchannels()]) for at in range(file.getnchannels())
            ]

    @property
    def seconds(self) -> float:
        return float(self.frames / self.rate_hz)


async def bytes_of(file: WavFile) -> bytes:
    return b"".join([chunk async for chunk in file.chunks()])


async def listed(parts: AsyncIterable[RecordingPart]) -> list[RecordingPart]:
    return [part async for part in parts]

"""From a WAV to packets."""

from __future__ import annotations

import audioop
from pathlib import Path

import pytest

from entrypoints.simulators.pbx.call_audio import UnusableWav, read_packets
from entrypoints.simulators.pbx_command import SAMPLE_CALL
from tests.unit.simulators.wavs import tone, wav


def packets_of(folder: Path, content: bytes) -> tuple[bytes, ...]:
    path = folder / "call.wav"
    path.write_bytes(content)
    return read_packets(path)


def loudness(packets: tuple[bytes, ...]) -> int:
    return audioop.rms(audioop.ulaw2lin(b"".join(packets), 2), 2)


@pytest.mark.parametrize(("rate_hz", "channels"), [(8_000, 1), (16_000, 1), (44_100, 2), (8_000, 2)])
def test_any_pcm_becomes_20_ms_of_mulaw_at_8_khz(tmp_path: Path, rate_hz: int, channels: int) -> None:
    packets = packets_of(tmp_path, wav(tone(1, rate_hz, channels), rate_hz, channels))
    assert {len(packet) for packet in packets} == {160}
    assert len(packets) == 50
    assert loudness(packets) == pytest.approx(8_000 / 2**0.5, rel=0.05)


def test_mulaw_is_sent_as_it_is(tmp_path: Path) -> None:
    line = bytes(range(256)) * 5
    assert b"".join(packets_of(tmp_path, wav(line, tag=7, bits=8))) == line


def test_the_last_packet_is_filled_up_with_silence(tmp_path: Path) -> None:
    packets = packets_of(tmp_path, wav(b"\x11" * 161, tag=7, bits=8))
    assert packets == (b"\x11" * 160, b"\x11" + b"\xff" * 159)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "no WAV"),
        (b"RIFF\0\0\0\0WAVE", "format"),
        (wav(b""), "no audio"),
        (wav(b"\0" * 300, bits=24), "16-bit"),
        (wav(b"\0" * 300, tag=6, bits=8), "16-bit"),
        (wav(b"\0" * 300, channels=3), "mono or stereo"),
    ],
)
def test_another_file_is_refused_with_its_reason(tmp_path: Path, content: bytes, complaint: str) -> None:
    with pytest.raises(UnusableWav, match=complaint):
        packets_of(tmp_path, content)


def test_the_sample_call_is_some_seconds_of_sound() -> None:
    packets = read_packets(SAMPLE_CALL)
    assert 4 <= len(packets) * 0.02 <= 7
    assert loudness(packets) > 500
    assert SAMPLE_CALL.stat().st_size < 120_000

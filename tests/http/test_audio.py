"""The call's audio as a WAV file."""

from __future__ import annotations

import base64
import io
import struct
import wave

from tests.http.answer import assert_problem
from tests.http.described_client import DescribedClient

FRAMES_A_PACKET = 160


def tone(value: int) -> str:
    return base64.b64encode(struct.pack("<h", value) * FRAMES_A_PACKET).decode()


async def test_one_channel_a_stream_and_silence_for_what_is_missing(
    client: DescribedClient, call_id: str
) -> None:
    await client.init(call_id, media={"encoding": "audio/l16", "sample_rate_hz": 8000, "channels": 1})
    for sequence in (1, 3):
        await client.packet(call_id, sequence, tone(1000), stream="a", timestamp=100.0)
    await client.packet(call_id, 1, tone(-2000), stream="b", timestamp=100.0)
    answer = await client.get(f"/v1/calls/{call_id}/audio.wav")
    assert answer.status == 200
    assert answer.media_type == "audio/wav"
    assert len(answer.body) == int(answer.headers["Content-Length"])
    with wave.open(io.BytesIO(answer.body)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (2, 2, 8000)
        assert sound.getnframes() == 3 * FRAMES_A_PACKET
        samples = struct.unpack(f"<{2 * 3 * FRAMES_A_PACKET}h", sound.readframes(sound.getnframes()))
    packets = [samples[2 * FRAMES_A_PACKET * at :][: 2 * FRAMES_A_PACKET] for at in range(3)]
    assert packets[0] == (1000, -2000) * FRAMES_A_PACKET
    assert packets[1] == (0, 0) * FRAMES_A_PACKET
    assert packets[2] == (1000, 0) * FRAMES_A_PACKET


async def test_mulaw_is_decoded(client: DescribedClient, call_id: str) -> None:
    await client.init(call_id, media={"encoding": "audio/x-mulaw", "sample_rate_hz": 8000, "channels": 1})
    await client.packet(call_id, 1, base64.b64encode(b"\xff\x80\x00").decode())
    answer = await client.get(f"/v1/calls/{call_id}/audio.wav")
    with wave.open(io.BytesIO(answer.body)) as sound:
        assert struct.unpack("<3h", sound.readframes(3)) == (0, 32124, -32124)


async def test_an_audio_call_without_packets(client: DescribedClient, call_id: str) -> None:
    await client.init(call_id, media={"encoding": "audio/x-alaw", "sample_rate_hz": 8000, "channels": 1})
    answer = await client.get(f"/v1/calls/{call_id}/audio.wav")
    assert answer.status == 200
    with wave.open(io.BytesIO(answer.body)) as sound:
        assert sound.getnframes() == 0


async def test_a_text_call_has_none(client: DescribedClient, call_id: str) -> None:
    await client.packet(call_id, 1)
    assert_problem(await client.get(f"/v1/calls/{call_id}/audio.wav"), 409)


async def test_its_request_id_is_in_the_header(client: DescribedClient, call_id: str) -> None:
    await client.init(call_id, media={"encoding": "audio/x-mulaw", "sample_rate_hz": 8000, "channels": 1})
    answer = await client.get(f"/v1/calls/{call_id}/audio.wav", headers={"X-Request-ID": "mine"})
    assert answer.headers["X-Request-ID"] == "mine"

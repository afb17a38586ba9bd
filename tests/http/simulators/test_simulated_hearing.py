"""The simulated AI hears what is said in the sample call, as a telephone line carries it."""

from __future__ import annotations

import asyncio
import audioop
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from entrypoints.simulators.ai.decoder_pool import DecoderDied, DecoderPool, speech_is_installed
from entrypoints.simulators.pbx.call_audio import read_packets
from entrypoints.simulators.pbx_command import SAMPLE_CALL
from tests.http.simulators.simulated_ai import Client, serving
from tests.unit.simulators.wavs import wav

pytestmark = pytest.mark.skipif(not speech_is_installed(), reason="PocketSphinx is an optional dependency")

SPOKEN = "I would like to order one hundred computers. I am really happy with it today."


def sample_call() -> bytes:
    return wav(audioop.ulaw2lin(b"".join(read_packets(SAMPLE_CALL)), 2))


@pytest.fixture
async def ai(tmp_path: Path) -> AsyncIterator[Client]:
    async with DecoderPool() as decoders, serving(tmp_path / "ledger", decoders=decoders) as client:
        yield client


async def test_words_and_times_are_heard_and_the_server_goes_on_meanwhile(ai: Client) -> None:
    hearing = asyncio.create_task(
        ai.transcribe(
            sample_call(),
            response_format="verbose_json",
            granularities=("segment", "word"),
        )
    )
    for _ in range(20):
        assert (await ai.get("/v1/models")).status == 200
    assert not hearing.done(), "decoding does not hold up other requests"
    body = (await hearing).json

    spoken, heard = ({word.strip(".").lower() for word in text.split()} for text in (SPOKEN, body["text"]))
    assert len(spoken & heard) >= 0.75 * len(spoken)
    assert " ".join(segment["text"] for segment in body["segments"]) == body["text"]
    times = [time for segment in body["segments"] for time in (segment["start"], segment["end"])]
    assert times == sorted(times)
    assert 0 <= times[0] < times[-1] <= body["duration"]
    assert [word["word"] for word in body["words"]] == body["text"].lower().replace(".", "").split()

    again = await ai.transcribe(sample_call())
    assert again.json["text"] == body["text"]
    assert ai.lines()[-1]["elapsed_seconds"] < 0.5, "the same audio is decoded once"


async def test_silence_is_no_speech(ai: Client) -> None:
    reply = await ai.transcribe(wav(b"\0" * 32_000))
    assert reply.json["text"] == "Simulated transcription: nothing was said. The audio was 2.0 seconds long."


async def test_a_decoder_that_dies_fails_its_request_and_the_next_gets_a_new_one() -> None:
    async with DecoderPool() as decoders:
        await decoders.decode(b"\0" * 32_000)
        [process_id] = decoders.process_ids
        os.kill(process_id, signal.SIGKILL)
        with pytest.raises(DecoderDied):
            await decoders.decode(b"\0" * 32_000)
        assert await decoders.decode(b"\0" * 32_000) == []

"""The misbehaving AI does what it is told, and nothing that it does passes for an answer."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from adapters.ai.analysis import OpenAIAnalyst
from adapters.ai.analysis_answer import analysis_of
from adapters.ai.answer import ProviderAnswer
from adapters.ai.provider import AIProvider
from adapters.ai.transcription import OpenAITranscriber
from adapters.ai.transcription_answer import transcript_of
from application.errors import AIUnavailable
from entrypoints.simulators.ai.chance import Chance
from entrypoints.simulators.ai.server import SimulatedAi
from entrypoints.simulators.ai.speech import SpeechRecogniser
from entrypoints.simulators.json_lines import JsonLines
from faults.misbehaving_ai import ANY, MISBEHAVIOURS, NONE, RUBBISH, Misbehaving
from tests.unit.ai.asking import PART, TRANSCRIPT


@asynccontextmanager
async def misbehaving(how: str) -> AsyncIterator[tuple[OpenAITranscriber, OpenAIAnalyst]]:
    simulated = SimulatedAi(Chance(1, 0.0, (0.0, 0.0)), SpeechRecogniser(None), JsonLines(None))
    application = Misbehaving(random.Random(1)).before(simulated.application())
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    provider = AIProvider(
        base_url=f"{url}/v1",
        transcription_model="whisper-1",
        analysis_model="gpt-4o-mini",
        timeout_seconds=0.3 if how in ("hang", ANY) else 5,
        retry_attempts=1,
    )
    async with aiohttp.ClientSession() as session:
        async with session.put(f"{url}/misbehaviour", data=how) as answer:
            assert answer.status == 200
        yield (
            OpenAITranscriber(session, provider, lambda attempt: None),
            OpenAIAnalyst(session, provider, lambda attempt: None),
        )
    await runner.cleanup()


@pytest.mark.parametrize("how", MISBEHAVIOURS)
async def test_what_it_does_is_a_failure_that_may_pass(how: str) -> None:
    async with misbehaving(how) as (transcriber, analyst):
        for _ in range(1 if how == "hang" else 2):  # of some there are several
            with pytest.raises(AIUnavailable):
                await transcriber.transcribe(PART, "c-1:1:transcription")
            with pytest.raises(AIUnavailable):
                await analyst.analyse(TRANSCRIPT, "c-1:1:analysis")


@pytest.mark.parametrize("body", RUBBISH)
def test_no_rubbish_passes_for_an_answer(body: bytes) -> None:
    with pytest.raises(AIUnavailable):
        analysis_of(ProviderAnswer("analysis", 200, body))
    with pytest.raises(AIUnavailable):
        transcript_of(ProviderAnswer("transcription", 200, body), PART)


async def test_it_answers_when_it_is_told_to() -> None:
    async with misbehaving(NONE) as (transcriber, analyst):
        assert (await analyst.analyse(TRANSCRIPT, "c-1:1:analysis")).summary
        assert (await transcriber.transcribe(PART, "c-1:1:transcription")).text


async def test_by_chance_it_does_both() -> None:
    async with misbehaving(ANY) as (_, analyst):
        came: set[bool] = set()
        for number in range(60):
            try:
                came.add(bool(await analyst.analyse(TRANSCRIPT, f"c-{number}:1:analysis")))
            except AIUnavailable:
                came.add(False)
            if len(came) == 2:
                return
    raise AssertionError(came)

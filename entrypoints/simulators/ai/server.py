"""The simulated AI service: OpenAI's routes, answered slowly and not always."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import attrs
from aiohttp import web
from aiohttp.typedefs import Handler

from entrypoints.simulators.ai.chance import Chance, Fate
from entrypoints.simulators.ai.chat import read_chat_question
from entrypoints.simulators.ai.keys import Answer, Keys, Past
from entrypoints.simulators.ai.refusals import Refused, overloaded
from entrypoints.simulators.ai.speech import SpeechRecogniser
from entrypoints.simulators.ai.transcriptions import (
    MAX_UPLOAD_BYTES,
    read_transcription_question,
    too_large,
)
from entrypoints.simulators.json_lines import JsonLines

FORM_OVERHEAD_BYTES: Final = 1024 * 1024
SIMULATION_HEADER: Final = {"X-Simulation": "Trunkline simulated AI; no real model is behind this answer"}
MODELS: Final = ("whisper-1", "gpt-4o-mini")


class Question(Protocol):
    """``digest`` is of all that the answer depends on."""

    @property
    def digest(self) -> str: ...


@attrs.define
class Note:
    """What the ledger says of a request beside what its answer shows."""

    step: str | None = None
    latency_seconds: float = 0.0
    replay: bool = False
    effect: bool = False


NOTE: Final = web.RequestKey("note", Note)


class SimulatedAi:
    """``ledger`` gets a line for each request that was answered."""

    def __init__(self, chance: Chance, speech: SpeechRecogniser, ledger: JsonLines) -> None:
        self._chance = chance
        self._speech = speech
        self._ledger = ledger
        self._keys = Keys()

    def application(self) -> web.Application:
        application = web.Application(
            middlewares=[self._answer_for_the_record], client_max_size=MAX_UPLOAD_BYTES + FORM_OVERHEAD_BYTES
        )
        application.router.add_post("/v1/audio/transcriptions", self.transcribe)
        application.router.add_post("/v1/chat/completions", self.complete_chat)
        application.router.add_get("/v1/models", self.list_models)
        return application

    async def transcribe(self, request: web.Request) -> web.Response:
        request[NOTE].step = "transcription"
        question = await read_transcription_question(request)
        return await self._answer(request, question, lambda: question.answer(self._speech))

    async def complete_chat(self, request: web.Request) -> web.Response:
        request[NOTE].step = "analysis"
        question = await read_chat_question(request)
        return await self._answer(request, question, question.answer)

    async def list_models(self, request: web.Request) -> web.Response:
        models = [
            {"id": name, "object": "model", "created": 0, "owned_by": "trunkline-simulation"}
            for name in MODELS
        ]
        return web.json_response({"object": "list", "data": models})

    async def _answer(
        self, request: web.Request, question: Question, work: Callable[[], Awaitable[Answer]]
    ) -> web.Response:
        note = request[NOTE]
        key = request.headers.get("Idempotency-Key")
        name = f"{note.step}\n{question.digest if key is None else key}"
        past = self._keys.seen(name)
        if key is not None and past.answer is not None:
            return _again(past.answer, question, note)
        fate = self._chance.draw(name, past.times_seen)
        note.latency_seconds = fate.latency_seconds
        if fate.fails:
            await asyncio.sleep(fate.latency_seconds)
            raise overloaded(fate.retry_after_seconds)
        if key is None:
            return _first(await _in_its_time(fate, work), note)
        return await _once(past, question, note, lambda: _in_its_time(fate, work))

    @web.middleware
    async def _answer_for_the_record(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        request[NOTE] = Note()
        response: web.StreamResponse
        try:
            response = await handler(request)
        except Refused as refused:
            response = refused.answer()
        except web.HTTPRequestEntityTooLarge:
            response = too_large().answer()
        except web.HTTPException as error:
            response = Refused(error.status, f"{error.reason}: {request.method} {request.path}").answer()
        response.headers.update(SIMULATION_HEADER)
        self._ledger.write(_line(request, response, time.perf_counter() - started))
        return response


async def _in_its_time(fate: Fate, work: Callable[[], Awaitable[Answer]]) -> Answer:
    """The answer, no sooner than the latency that was drawn."""
    answer, _ = await asyncio.gather(work(), asyncio.sleep(fate.latency_seconds))
    return answer


async def _once(
    past: Past, question: Question, note: Note, work: Callable[[], Awaitable[Answer]]
) -> web.Response:
    async with past.working:
        if past.answer is not None:
            return _again(past.answer, question, note)
        past.answer = await work()
        return _first(past.answer, note)


def _first(answer: Answer, note: Note) -> web.Response:
    note.effect = True
    return web.Response(body=answer.body, content_type=answer.content_type, charset="utf-8")


def _again(answer: Answer, question: Question, note: Note) -> web.Response:
    if answer.question_digest != question.digest:
        raise Refused(
            422, "This Idempotency-Key was used for another request.", code="idempotency_key_reused"
        )
    note.replay = True
    return web.Response(
        body=answer.body,
        content_type=answer.content_type,
        charset="utf-8",
        headers={"Idempotent-Replayed": "true"},
    )


def _line(request: web.Request, response: web.StreamResponse, elapsed_seconds: float) -> dict[str, Any]:
    note = request[NOTE]
    retry_after = response.headers.get("Retry-After")
    return {
        "at": datetime.now(UTC).isoformat(),
        "path": request.path,
        "step": note.step,
        "idempotency_key": request.headers.get("Idempotency-Key"),
        "status": response.status,
        "retry_after": None if retry_after is None else int(retry_after),
        "latency_seconds": round(note.latency_seconds, 6),
        "elapsed_seconds": round(elapsed_seconds, 6),
        "replay": note.replay,
        "effect": note.effect,
    }

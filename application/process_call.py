"""One run of the AI over a call: transcribe, analyse, archive."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import datetime
from typing import Final

import attrs

from application.call_queries import were_dropped
from application.errors import AIRefused, AIUnavailable, TryAgain
from application.ports import Analyst, CallReader, PacketPosition, Recordings, Transcriber
from application.unit_of_work import UnitOfWork, UnitOfWorkFactory
from domain.analysis import Analysis, Failure, FailureReason, Transcript
from domain.call import Call
from domain.errors import AudioDropped, RunSuperseded, TrunklineError, UnknownCall

Change = Callable[[Call, datetime], None]
"""Something that happens to a locked call at a time."""

_PAGE: Final = 1_000
_SUSPECT_WAITS_SECONDS: Final = 2.0

log = logging.getLogger(__name__)


@attrs.frozen
class ProcessCall:
    """Do what is still to be done on a call; each finished step is saved at once.

    Short transactions at the beginning, after each step and at the end, and none while the AI works.
    The run's number is the fence: what a superseded run finds is not kept.
    """

    _units: UnitOfWorkFactory
    _reader: CallReader
    _recordings: Recordings
    _transcriber: Transcriber
    _analyst: Analyst
    _run_delays_seconds: Sequence[float]
    """Between runs; after the last the call is FAILED."""
    _on_set_aside: Callable[[], None]
    """Told of each call that is FAILED because processes ended at it."""
    _save_again_after_seconds: Sequence[float] = (0.5, 1, 2, 4, 8)
    """How long a finished step waits for a database that is away, try after try."""
    _suspects_seat: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)
    """There is one: should this process end, it is known which suspect was at it."""

    async def __call__(self, call_id: str) -> float | None:
        """Seconds after which to come back, or None where nothing is left to do.

        Raises TryAgain where the database is in trouble; the next run then takes the call over.
        """
        async with AsyncExitStack() as until_the_run_ends:
            async with self._units() as unit:
                call = (await unit.calls.lock([call_id])).get(call_id)
                if call is None or not call.awaits_ai:
                    return None
                if wait := call.seconds_until_due(unit.now):
                    return wait
                if call.abandon_run(unit.now):
                    await self._set_aside(unit, call)
                    return None
                if call.is_suspect:
                    if self._suspects_seat.locked():
                        return _SUSPECT_WAITS_SECONDS
                    await until_the_run_ends.enter_async_context(self._suspects_seat)
                run = call.begin_run(unit.now)
                await _save(unit, call)
            log.info("run %d of call %s begins", run, call_id)
            try:
                return await self._work(call, run)
            except RunSuperseded as superseded:
                log.info("%s", superseded.detail)
                return None

    async def _set_aside(self, unit: UnitOfWork, call: Call) -> None:
        await _save(unit, call)
        self._on_set_aside()
        log.error("call %s is set aside: processes ended while they worked on it", call.call_id)

    async def _work(self, call: Call, run: int) -> float | None:
        try:
            return await self._finish(call, run)
        except RunSuperseded:
            raise
        except (TryAgain, asyncio.CancelledError):
            with suppress(TrunklineError):  # where this fails too, the run looks as if its process had died
                await self._change_once(call.call_id, lambda call, at: call.hand_on(run, at))
            raise
        except Exception as error:  # a fault of ours must not cost the call its schedule
            log.exception("run %d of call %s broke", run, call.call_id)
            failure = Failure(FailureReason.INTERNAL_ERROR, type(error).__name__)
            return await self._postpone(call, run, failure, 0)

    async def _finish(self, call: Call, run: int) -> float | None:
        try:
            transcript = await self._transcript(call, run)
            analysis = await self._analysis(call, run, transcript)
        except AIRefused as refusal:
            return await self._fail(call, run, Failure(FailureReason.AI_REFUSED, refusal.detail))
        except AudioDropped as dropped:
            return await self._fail(call, run, Failure(FailureReason.AUDIO_DROPPED, dropped.detail))
        except AIUnavailable as trouble:
            failure = Failure(FailureReason.AI_UNAVAILABLE, trouble.detail)
            return await self._postpone(call, run, failure, trouble.retry_after_seconds or 0)
        return await self._change(call.call_id, lambda call, at: call.archive(run, analysis, at))

    async def _fail(self, call: Call, run: int, failure: Failure) -> float | None:
        return await self._change(call.call_id, lambda call, at: call.fail(run, failure, at))

    async def _postpone(
        self, call: Call, run: int, failure: Failure, not_before_seconds: float
    ) -> float | None:
        return await self._change(
            call.call_id,
            lambda call, at: call.postpone(run, failure, self._run_delays_seconds, at, not_before_seconds),
        )

    async def _transcript(self, call: Call, run: int) -> Transcript:
        if call.transcript is not None and call.transcript_is_current:
            return call.transcript
        transcript = await (self._of_audio(call, run) if call.media.is_audio else self._of_text(call))
        if await were_dropped(call, self._reader):  # asked last: they may have gone meanwhile
            raise AudioDropped(call.call_id)
        await self._change(call.call_id, lambda call, at: call.save_transcript(run, transcript, at))
        return transcript

    async def _of_audio(self, call: Call, run: int) -> Transcript:
        done = dict(call.partial_transcripts)
        async for part in self._recordings.parts(call, done.keys()):
            words = await self._transcriber.transcribe(part, _key(call, run, f"transcription:{part.name}"))
            await self._change(call.call_id, _keep_part(run, part.name, words))
            done[part.name] = words
        return Transcript.joined(list(done.values()))

    async def _of_text(self, call: Call) -> Transcript:
        streams: dict[str, list[str]] = {}
        after: PacketPosition | None = None
        while page := await self._reader.packets(call.call_id, None, after, _PAGE):
            for packet in page:
                streams.setdefault(packet.stream, []).append(call.media.encode(packet.data))
            after = PacketPosition(page[-1].stream, page[-1].sequence)
        return Transcript.of_text(["".join(pieces) for pieces in streams.values()])

    async def _analysis(self, call: Call, run: int, transcript: Transcript) -> Analysis:
        if transcript.is_empty:
            return Analysis.of_nothing_said()
        return await self._analyst.analyse(transcript, _key(call, run, "analysis"))

    async def _change(self, call_id: str, change: Change) -> float | None:
        """Let it happen to the call; seconds until the call's next run, or None where none is due."""
        for wait in self._save_again_after_seconds:
            try:
                return await self._change_once(call_id, change)
            except TryAgain as trouble:
                log.warning("call %s is saved again in %s s: %s", call_id, wait, trouble.detail)
                await asyncio.sleep(wait)
        return await self._change_once(call_id, change)

    async def _change_once(self, call_id: str, change: Change) -> float | None:
        async with self._units() as unit:
            call = (await unit.calls.lock([call_id])).get(call_id)
            if call is None:
                raise UnknownCall(call_id)
            change(call, unit.now)
            await _save(unit, call)
            if not call.awaits_ai or call.next_run_at is not None:
                log.info("run %d of call %s ended: %s", call.runs, call_id, call.state.value)
            return call.seconds_until_due(unit.now) if call.next_run_at else None


def _keep_part(run: int, part: str, words: Transcript) -> Change:
    return lambda call, at: call.save_partial_transcript(run, part, words)


async def _save(unit: UnitOfWork, call: Call) -> None:
    await unit.calls.save([call])
    await unit.commit()


def _key(call: Call, run: int, step: str) -> str:
    """The same for every attempt at a step of a run, so that a provider can tell a repetition."""
    return f"{call.call_id}:{run}:{step}"

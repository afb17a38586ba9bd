"""Bringing a completed call to the later states of its life, which no request of a PBX can."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from domain.analysis import Analysis, Failure, FailureReason, Segment, Sentiment, SentimentLabel, Transcript
from domain.call import Call
from tests.http.running_service import RunningService

TRANSCRIPT = Transcript(
    text="Hello.\nGoodbye.",
    segments=(Segment(0.0, 1.0, "Hello.", "main"), Segment(1.0, 2.5, "Goodbye.", "main")),
)
ANALYSIS = Analysis(summary="A greeting.", sentiment=Sentiment(SentimentLabel.POSITIVE, 0.5))
FAILURE = Failure(FailureReason.AI_REFUSED, "HTTP 401 from the AI service")

Change = Callable[[Call, datetime], object]


def begin_run(call: Call, at: datetime) -> None:
    call.begin_run(at)


def archive(call: Call, at: datetime) -> None:
    run = call.begin_run(at)
    call.save_transcript(run, TRANSCRIPT, at)
    call.archive(run, ANALYSIS, at)


def fail(call: Call, at: datetime) -> None:
    call.fail(call.begin_run(at), FAILURE, at)


def fail_after_transcribing(call: Call, at: datetime) -> None:
    run = call.begin_run(at)
    call.save_transcript(run, TRANSCRIPT, at)
    call.fail(run, FAILURE, at)


def change(service: RunningService, call_id: str, how: Change) -> None:
    """Do ``how`` to the call, in one unit of work."""
    service.run(_change(service, call_id, how))


async def _change(service: RunningService, call_id: str, how: Change) -> None:
    async with service.container.units_of_work()() as unit:
        call = (await unit.calls.lock([call_id]))[call_id]
        how(call, unit.now)
        await unit.calls.save([call])
        await unit.commit()

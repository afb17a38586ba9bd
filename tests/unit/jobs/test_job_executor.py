"""Nothing but a request to come back ever leaves the executor, for PgQueuer would drop the job."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import anyio
import pytest
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Context, Job

from adapters.jobs.job_executor import AFTER_A_FAULT, AFTER_TROUBLE, ProcessCallExecutor
from application.errors import Draining, OutcomeUnknown, Overloaded, StorageUnavailable
from domain.errors import UnknownCall

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


def job(call_id: str = "c-1", job_id: int = 1) -> Job:
    return Job.model_validate(
        {
            "id": job_id,
            "priority": 0,
            "created": NOW,
            "updated": NOW,
            "heartbeat": NOW,
            "execute_after": NOW,
            "status": "picked",
            "entrypoint": "process_call",
            "payload": call_id.encode(),
            "queue_manager_id": None,
            "headers": None,
            "attempts": 0,
        }
    )


def context() -> Context:
    return Context(cancellation=anyio.CancelScope(), resources={})


def answering(answer: float | BaseException | None) -> Callable[[str], Awaitable[float | None]]:
    async def process_call(call_id: str) -> float | None:
        await asyncio.sleep(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return process_call


class Hanging:
    """A use case that notes the calls and does not come to an end by itself."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.may_end = asyncio.Event()

    async def __call__(self, call_id: str) -> float | None:
        self.begun.append(call_id)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.may_end.wait()
        finally:
            self.at_once -= 1
        return None


async def test_a_job_is_over_when_nothing_is_left_to_do() -> None:
    hanging = Hanging()
    hanging.may_end.set()
    await ProcessCallExecutor(hanging, 1).execute(job("c-7"), context())
    assert hanging.begun == ["c-7"]


@pytest.mark.parametrize("seconds", [0.0, 0.5, 43_200.0])
async def test_a_call_whose_next_run_is_due_later_comes_back_then(seconds: float) -> None:
    with pytest.raises(RetryRequested) as caught:
        await ProcessCallExecutor(answering(seconds), 1).execute(job(), context())
    assert caught.value.delay == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("error", "delay"),
    [
        (StorageUnavailable(), AFTER_TROUBLE),
        (OutcomeUnknown(), AFTER_TROUBLE),
        (Overloaded(), AFTER_TROUBLE),
        (Draining(), AFTER_TROUBLE),
        (UnknownCall("c-1"), AFTER_A_FAULT),
        (ZeroDivisionError(), AFTER_A_FAULT),
        (TimeoutError(), AFTER_A_FAULT),
        (ExceptionGroup("several", [ValueError()]), AFTER_A_FAULT),
        (asyncio.CancelledError(), timedelta(0)),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_whatever_is_raised_the_job_comes_back(error: BaseException, delay: timedelta) -> None:
    """A cancellation too that nobody here asked for: a library's, or that of a task that was awaited."""
    with pytest.raises(RetryRequested) as caught:
        await ProcessCallExecutor(answering(error), 1).execute(job(), context())
    assert caught.value.delay == delay


async def test_a_cancelled_executor_puts_its_job_back_and_stops_the_work() -> None:
    hanging = Hanging()
    task = asyncio.create_task(ProcessCallExecutor(hanging, 1).execute(job(), context()))
    await begun(hanging, 1)
    task.cancel()
    with pytest.raises(RetryRequested) as caught:
        await task
    assert caught.value.delay == timedelta(0)
    assert hanging.at_once == 0


async def test_a_job_that_an_operator_cancelled_is_not_put_back() -> None:
    hanging = Hanging()
    cancelled = context()
    task = asyncio.create_task(ProcessCallExecutor(hanging, 1).execute(job(), cancelled))
    await begun(hanging, 1)
    cancelled.cancellation.cancel()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_handing_on_puts_back_what_runs_and_what_waits_for_a_seat() -> None:
    hanging = Hanging()
    executor = ProcessCallExecutor(hanging, 2)
    tasks = [asyncio.create_task(executor.execute(job(f"c-{n}", n), context())) for n in range(5)]
    await begun(hanging, 2)
    assert executor.hand_on() == 5
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [RetryRequested] * 5
    assert len(hanging.begun) == 2
    assert executor.hand_on() == 0


async def test_no_more_calls_are_processed_at_a_time_than_there_are_seats() -> None:
    hanging = Hanging()
    executor = ProcessCallExecutor(hanging, 3)
    tasks = [asyncio.create_task(executor.execute(job(f"c-{n}", n), context())) for n in range(10)]
    await begun(hanging, 3)
    await asyncio.sleep(0.01)
    assert len(hanging.begun) == 3
    hanging.may_end.set()
    await asyncio.gather(*tasks)
    assert sorted(hanging.begun) == sorted(f"c-{n}" for n in range(10))
    assert hanging.most_at_once == 3


async def test_a_seat_is_free_again_whatever_ended_the_work() -> None:
    executor = ProcessCallExecutor(answering(ZeroDivisionError()), 1)
    for _ in range(3):
        with pytest.raises(RetryRequested):
            await asyncio.wait_for(executor.execute(job(), context()), 5)


async def begun(hanging: Hanging, count: int) -> None:
    async with asyncio.timeout(5):
        while len(hanging.begun) < count:  # noqa: ASYNC110 # it is a list
            await asyncio.sleep(0)

"""Background work that never just ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import attrs
import pytest

from adapters.jobs.task_runner import TaskRunner
from tests.waiting import until

LONG = 3_600


@attrs.define(eq=False)
class Work:
    """Fails as often as it is told to, and then goes on until ``may_end``."""

    failures: int = 0
    error: BaseException = attrs.field(factory=ZeroDivisionError)
    may_end: asyncio.Event = attrs.field(factory=asyncio.Event)
    begun: int = 0
    begun_at: list[float] = attrs.field(factory=list)
    was_cancelled: bool = False

    async def __call__(self) -> None:
        self.begun += 1
        self.begun_at.append(asyncio.get_running_loop().time())
        if self.begun <= self.failures:
            raise self.error
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise


@pytest.fixture
async def tasks() -> AsyncIterator[TaskRunner]:
    tasks = TaskRunner()
    yield tasks
    await tasks.stop()


async def test_work_runs_until_it_returns_and_is_not_begun_again(tasks: TaskRunner) -> None:
    work = Work()
    tasks.keep_running("work", work)
    await until(lambda: work.begun == 1)
    work.may_end.set()
    await tasks.finish("work")
    assert work.begun == 1
    assert tasks.trouble == {}


@pytest.mark.parametrize("error", [ZeroDivisionError(), TimeoutError(), asyncio.CancelledError()])
async def test_work_that_raises_is_begun_again(tasks: TaskRunner, error: BaseException) -> None:
    """Even where it awaited somebody else's cancelled task: nobody cancelled this one."""
    work = Work(failures=1, error=error)
    tasks.keep_running("work", work)
    await until(lambda: "work" in tasks.trouble)
    assert tasks.trouble == {"work": type(error).__name__}
    await until(lambda: work.begun == 2)
    assert tasks.trouble == {}


async def test_each_time_it_is_waited_for_longer(tasks: TaskRunner) -> None:
    work = Work(failures=2)
    tasks.keep_running("work", work)
    await until(lambda: work.begun == 3)
    first, second = (after - before for before, after in zip(work.begun_at, work.begun_at[1:], strict=False))
    assert 0.4 < first < second


async def test_trouble_with_one_task_is_none_of_the_others(tasks: TaskRunner) -> None:
    failing, fine = Work(failures=LONG), Work()
    tasks.keep_running("failing", failing)
    tasks.keep_running("fine", fine)
    await until(lambda: "failing" in tasks.trouble)
    assert set(tasks.trouble) == {"failing"}
    assert fine.begun == 1


async def test_repeated_work_runs_now_and_again(tasks: TaskRunner) -> None:
    work = Work()
    work.may_end.set()
    tasks.repeat("work", 0.01, work)
    await until(lambda: work.begun >= 3)


async def test_repeated_work_waits_in_between(tasks: TaskRunner) -> None:
    work = Work()
    work.may_end.set()
    tasks.repeat("work", LONG, work)
    await until(lambda: work.begun == 1)
    await asyncio.sleep(0.05)
    assert work.begun == 1


async def test_repeated_work_that_raises_is_repeated_all_the_same(tasks: TaskRunner) -> None:
    work = Work(failures=1)
    work.may_end.set()
    tasks.repeat("work", 0.01, work)
    await until(lambda: "work" in tasks.trouble)
    await until(lambda: work.begun >= 3)
    assert tasks.trouble == {}


async def test_stopping_cancels_what_runs_and_waits_for_it(tasks: TaskRunner) -> None:
    work, backing_off = Work(), Work(failures=LONG)
    tasks.keep_running("work", work)
    tasks.keep_running("backing off", backing_off)
    tasks.repeat("repeated", LONG, Work())
    await until(lambda: work.begun == 1 and backing_off.begun == 1)
    async with asyncio.timeout(5):
        await tasks.stop()
    assert work.was_cancelled


async def test_stopping_ends_work_that_turns_its_cancellation_into_an_error(tasks: TaskRunner) -> None:
    async def stubborn() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as cancellation:
            raise ZeroDivisionError from cancellation

    begun = asyncio.Event()
    tasks.keep_running("stubborn", stubborn)
    await begun.wait()
    stopping = asyncio.create_task(tasks.stop())
    done, _ = await asyncio.wait({stopping}, timeout=5)
    assert done


async def test_finishing_waits_for_the_named_task_and_not_for_one_that_never_was(tasks: TaskRunner) -> None:
    work = Work()
    tasks.keep_running("work", work)
    await tasks.finish("nothing")
    finishing = asyncio.create_task(tasks.finish("work"))
    await until(lambda: work.begun == 1)
    assert not finishing.done()
    work.may_end.set()
    await finishing


async def test_a_name_is_given_once(tasks: TaskRunner) -> None:
    tasks.keep_running("work", Work())
    with pytest.raises(ValueError, match="work"):
        tasks.keep_running("work", Work())

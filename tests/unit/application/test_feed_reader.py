"""What waits for one who reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import attrs
import pytest

from application.catch_up import CatchUp
from application.feed_reader import FeedReader

pytestmark = pytest.mark.usefixtures("loop_time")

SOON = 0.01


async def missed(catch_up: CatchUp[str]) -> list[str]:
    return [f"{catch_up.after} to {catch_up.until}"]


@attrs.frozen
class Connection:
    """Takes all at once."""

    sent: list[str] = attrs.field(factory=list)

    def send_now(self, chunk: str) -> bool:
        self.sent.append(chunk)
        return True


@asynccontextmanager
async def waiting(
    reader: FeedReader[str], send_now: Callable[[str], bool], within_seconds: float = 5
) -> AsyncIterator[asyncio.Task[str | None]]:
    """It stands there, with nothing to send."""
    task = asyncio.create_task(reader.next(within_seconds, send_now))
    await asyncio.sleep(0)
    try:
        yield task
    finally:
        task.cancel()


@pytest.fixture
def reader() -> FeedReader[str]:
    return FeedReader("here", lambda: None)


async def test_what_is_new_is_not_for_one_who_has_still_to_join(reader: FeedReader[str]) -> None:
    """It would be told of it before what it missed, and go on behind that."""
    reader.tell("new", 10)
    assert await reader.next(SOON) is None
    reader.tell_of_trouble("trouble", 10)
    assert await reader.next(SOON) == "trouble"


async def test_what_it_missed_comes_before_what_is_new(reader: FeedReader[str]) -> None:
    reader.catch_up(CatchUp(missed, "here", "there"))
    reader.tell("new", 10)
    assert [await reader.next(SOON) for _ in range(3)] == ["here to there", "new", None]


async def test_a_single_chunk_may_be_of_any_size(reader: FeedReader[str]) -> None:
    """A snapshot of a thousand calls is, and to refuse it would be to refuse it for ever."""
    reader.begin("snapshot", 10**9)
    assert await reader.next(SOON) == "snapshot"


async def test_where_a_snapshot_must_stand_for_what_is_new_nothing_else_is_told_before_it(
    reader: FeedReader[str],
) -> None:
    reader.catch_up(CatchUp(missed, "here", "there"))
    reader.tell("new", 10)
    reader.needs_snapshot()
    assert await reader.next(SOON) is None
    reader.begin("snapshot", 10)
    assert [await reader.next(SOON) for _ in range(2)] == ["snapshot", None]


async def test_who_missed_nothing_goes_on_with_what_is_new(reader: FeedReader[str]) -> None:
    async def nothing(_: CatchUp[str]) -> list[str]:
        return []

    reader.catch_up(CatchUp(nothing, "here", "here"))
    reader.tell("new", 10)
    assert await reader.next(SOON) == "new"


async def test_what_can_be_sent_at_once_does_not_wait(reader: FeedReader[str]) -> None:
    connection = Connection()
    reader.begin("snapshot", 10)
    assert await reader.next(SOON) == "snapshot"
    async with waiting(reader, connection.send_now) as task:
        reader.tell("new", 10)
        reader.tell_of_trouble("trouble", 10)
        assert connection.sent == ["new", "trouble"]
        await asyncio.sleep(SOON)
        assert not task.done()


async def test_what_cannot_be_sent_at_once_waits_and_all_that_follows_comes_after_it(
    reader: FeedReader[str],
) -> None:
    can_be_sent = [False]
    reader.begin("snapshot", 10)
    assert await reader.next(SOON) == "snapshot"
    async with waiting(reader, lambda _: can_be_sent[0]) as task:
        reader.tell("large", 10)
        can_be_sent[0] = True
        reader.tell("small", 10)
        assert await task == "large"
    reader.tell("last", 10)  # it is being sent what came before, and waits for nothing
    assert [await reader.next(SOON, Connection().send_now) for _ in range(3)] == ["small", "last", None]
    reader.tell("late", 10)  # a beat is being sent
    assert await reader.next(SOON, Connection().send_now) == "late"


async def test_what_is_sent_at_once_is_not_for_one_who_has_still_to_join(reader: FeedReader[str]) -> None:
    connection = Connection()
    async with waiting(reader, connection.send_now):
        reader.tell("new", 10)
        reader.catch_up(CatchUp(missed, "here", "there"))
        reader.tell("newer", 10)
    assert connection.sent == []


async def test_a_silence_begins_with_what_was_sent_last(reader: FeedReader[str]) -> None:
    reader.begin("snapshot", 10)
    assert await reader.next(SOON) == "snapshot"
    async with waiting(reader, Connection().send_now, within_seconds=0.6) as task:
        await asyncio.sleep(0.05)
        reader.tell("new", 10)
        told_at = asyncio.get_running_loop().time()
        assert await task is None
        assert asyncio.get_running_loop().time() - told_at >= 0.6

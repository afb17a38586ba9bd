"""What waits for one who reads."""

from __future__ import annotations

import pytest

from application.catch_up import CatchUp
from application.feed_reader import FeedReader

SOON = 0.01


async def missed(catch_up: CatchUp[str]) -> list[str]:
    return [f"{catch_up.after} to {catch_up.until}"]


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

"""What waits for one who reads."""

from __future__ import annotations

import pytest

from application.feed_reader import FeedReader

SOON = 0.01


async def nothing_missed(after: str, until: str) -> str | None:
    return f"{after} to {until}"


@pytest.fixture
def reader() -> FeedReader[str]:
    return FeedReader("here", nothing_missed, lambda: None)


async def test_what_is_new_is_not_for_one_who_has_still_to_join(reader: FeedReader[str]) -> None:
    """It would be told of it before what it missed, and go on behind that."""
    reader.tell("new", 10)
    assert await reader.next(SOON) is None
    reader.tell_of_trouble("trouble", 10)
    assert await reader.next(SOON) == "trouble"


async def test_what_it_missed_comes_before_what_is_new(reader: FeedReader[str]) -> None:
    reader.catch_up("there")
    reader.tell("new", 10)
    assert [await reader.next(SOON) for _ in range(3)] == ["here to there", "new", None]


async def test_a_single_chunk_may_be_of_any_size(reader: FeedReader[str]) -> None:
    """A snapshot of a thousand calls is, and to refuse it would be to refuse it for ever."""
    reader.begin("snapshot", 10**9)
    assert await reader.next(SOON) == "snapshot"

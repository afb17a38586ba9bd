"""Which lanes share a batch, in what order, and that none is kept waiting."""

from __future__ import annotations

from application.lane_queue import LaneQueue


def filled(queue: LaneQueue[str], *items: str) -> LaneQueue[str]:
    """Items are of the lane that their first character names, and of the size that they are long."""
    for item in items:
        queue.put(int(item[0]), item, len(item))
    return queue


def emptied(queue: LaneQueue[str]) -> list[list[str]]:
    batches = []
    while queue:
        batches.append(queue.next_batch())
    return batches


def test_an_empty_one_has_nothing_to_give() -> None:
    queue = LaneQueue[str](None, 10)
    assert not queue
    assert queue.next_batch() == []


def test_all_that_waits_is_one_batch_where_nothing_limits_it() -> None:
    queue = filled(LaneQueue[str](None, 100), "1a", "2a", "1b", "3a")
    assert emptied(queue) == [["1a", "1b", "2a", "3a"]]


def test_lanes_beyond_the_limit_wait_in_the_order_in_which_they_came() -> None:
    queue = filled(LaneQueue[str](2, 100), "3a", "1a", "2a", "3b", "0a", "2b")
    assert emptied(queue) == [["3a", "3b", "1a"], ["2a", "2b", "0a"]]


def test_a_busy_lane_keeps_no_other_waiting() -> None:
    """What is left of it stands behind the others, though more of it comes all the time."""
    queue = filled(LaneQueue[str](1, 4), "1a", "1b", "1c", "2a", "3a")
    turns: list[list[str]] = []
    while len(turns) < 6:
        turns.append(queue.next_batch())
        filled(queue, "1x", "1y")
    assert turns[:3] == [["1a", "1b"], ["2a"], ["3a"]]
    assert turns[3:] == [["1c", "1x"], ["1y", "1x"], ["1y", "1x"]]


def test_a_lane_that_found_no_room_is_the_first_next_time() -> None:
    queue = filled(LaneQueue[str](None, 4), "1aaa", "2a", "3a", "1b")
    assert emptied(queue) == [["1aaa"], ["2a", "3a"], ["1b"]]


def test_within_a_lane_nothing_overtakes_what_is_too_large_for_the_rest_of_a_batch() -> None:
    queue = filled(LaneQueue[str](None, 6), "1aa", "1bbbbb", "1c")
    assert emptied(queue) == [["1aa"], ["1bbbbb"], ["1c"]]


def test_one_that_is_larger_than_a_batch_goes_alone() -> None:
    queue = filled(LaneQueue[str](1, 2), "1aaaaaaa", "1b", "2a")
    assert emptied(queue) == [["1aaaaaaa"], ["2a"], ["1b"]]

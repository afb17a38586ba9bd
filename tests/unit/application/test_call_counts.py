"""Counts that belong to a place, and are counted anew beside the looks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import attrs
import pytest

from application.call_counts import FIRST_COUNT_SECONDS, CallCounts
from application.errors import StorageUnavailable
from domain.call import Call
from domain.call_state import CallState
from tests.contract.storage.rich_calls import at
from tests.fakes.call_changes import FakeCallChanges
from tests.fakes.held_changes import HeldChanges
from tests.fakes.storage import InMemoryStorage


@attrs.define(eq=False)
class Stage:
    """Looks that tell nobody."""

    storage: InMemoryStorage = attrs.field(factory=InMemoryStorage)
    changes: FakeCallChanges = attrs.field(init=False)
    held: HeldChanges = attrs.field(init=False)
    counts: CallCounts = attrs.field(init=False)
    place: str | None = None

    def __attrs_post_init__(self) -> None:
        self.changes = FakeCallChanges(self.storage)
        self.held = HeldChanges(self.changes)
        self.counts = CallCounts(self.held)

    def start(self, *call_ids: str) -> None:
        for call_id in call_ids:
            self.storage.put(Call.start(call_id, at(0)))

    def count_is_due(self) -> None:
        """Ten minutes are over."""
        self.counts._again_at = 0.0
        self.counts._counting_time._again_at = 0.0

    async def look(self, most_changes: int = 100) -> int | None:
        """How many are IN_PROGRESS."""
        await self.counts.before_look()
        moment = await self.changes.moment(self.place, most_changes, 0)
        before, self.place = self.place, moment.place
        counts = await self.counts.go_on(before, moment)
        await asyncio.sleep(0)  # as there is between looks
        return in_progress(counts)


def in_progress(counts: Mapping[CallState, int] | None) -> int | None:
    return None if counts is None else counts[CallState.IN_PROGRESS]


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_the_first_look_has_them(stage: Stage) -> None:
    stage.start("a", "b")
    assert await stage.look() == 2
    stage.start("c")
    assert await stage.look() == 3
    assert stage.changes.counts == 1


async def test_no_look_waits_for_a_count_that_takes_long(stage: Stage) -> None:
    """The old ones go on meanwhile; and what was counted goes on over what changed during it."""
    stage.start("a")
    assert await stage.look() == 1
    del stage.storage.calls["a"]  # no change tells it
    stage.count_is_due()
    stage.held.holds = "count"
    async with asyncio.timeout(FIRST_COUNT_SECONDS / 2):
        for number in range(3):
            stage.start(f"c-{number}")
            assert await stage.look() == 2 + number
    assert stage.held.has_looked.is_set()
    stage.held.may_tell.set()
    await asyncio.sleep(0)
    assert await stage.look() == 3


async def test_a_count_that_is_there_amid_a_look_is_for_the_next(stage: Stage) -> None:
    """It may be of a later moment than the look's."""
    await stage.look()
    stage.count_is_due()
    await stage.counts.before_look()
    moment = await stage.changes.moment(stage.place, 100, 0)
    stage.start("later")
    await asyncio.sleep(0)
    assert stage.changes.counts == 2
    assert in_progress(await stage.counts.go_on(stage.place, moment)) == 0
    stage.place = moment.place
    assert await stage.look() == 1


async def test_a_count_that_fails_leaves_the_old_ones_and_is_not_tried_again_at_once(stage: Stage) -> None:
    stage.start("a")
    await stage.look()
    stage.count_is_due()
    stage.storage.fail_next("count", StorageUnavailable())
    for _ in range(3):
        assert await stage.look() == 1
    assert stage.changes.counts == 2
    stage.count_is_due()
    await stage.look()
    assert stage.changes.counts == 3


async def test_they_go_on_over_what_nobody_was_told(stage: Stage) -> None:
    """More than is told one by one, or what a quiet time brought. Where that fails they are counted."""
    await stage.look()
    stage.start(*[f"c-{number}" for number in range(200)])
    assert await stage.look(most_changes=100) == 200
    stage.place = None
    stage.start("quiet")
    assert await stage.look() == 201
    assert stage.changes.counts == 1
    stage.storage.fail_next("count", StorageUnavailable())
    stage.place = None
    stage.start("more")
    assert await stage.look() is None
    stage.count_is_due()
    assert await stage.look() == 202


async def test_where_the_database_is_away_nothing_waits_for_its_count(stage: Stage) -> None:
    """A black hole would hold it for minutes, and with it everybody's first snapshot."""
    stage.held.holds = "count"
    stage.start("a")
    assert await stage.look() is None
    stage.counts.give_up()
    await asyncio.sleep(0)
    stage.held.holds = ""
    stage.count_is_due()
    assert await stage.look() == 1

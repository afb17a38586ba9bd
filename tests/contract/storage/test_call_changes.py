"""The promise of application.feed_ports, held against PostgreSQL and the fake."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import AsyncExitStack

import attrs
import pytest

from application.feed_ports import Change, CountedCalls
from application.unit_of_work import UnitOfWork
from domain.call import Call
from domain.call_state import CallState
from tests.contract.storage import rich_calls
from tests.contract.storage.arranged import StorageArrangement, change, save
from tests.contract.storage.rich_calls import at

PLENTY = 1_000

Seen = tuple[str, int]


def seen(changes: Sequence[Change] | None) -> list[Seen]:
    assert changes is not None
    return [(change.call_id, change.recorded.version) for change in changes]


async def place(storage: StorageArrangement) -> str:
    return (await storage.changes.moment(None, PLENTY, 0)).place


async def since(storage: StorageArrangement, after: str, most: int = PLENTY) -> Sequence[Change] | None:
    return (await storage.changes.moment(after, most, 0)).changes


async def test_whoever_begins_is_told_of_nothing_that_was(storage: StorageArrangement) -> None:
    await save(storage, rich_calls.archived())
    moment = await storage.changes.moment(None, PLENTY, 0)
    assert (moment.changes, moment.live) == ([], None)
    assert seen((await storage.changes.moment(moment.place, PLENTY, 0)).changes) == []


async def test_changes_are_told_with_what_the_history_has_and_the_state_before(
    storage: StorageArrangement,
) -> None:
    begun = await place(storage)
    call = rich_calls.archived()
    await save(storage, call, Call.start("other", at(0)))
    changes = await since(storage, begun)
    assert changes is not None
    view = await storage.reader.find("rich")
    assert view is not None
    of_call = [each for each in changes if each.call_id == "rich"]
    assert tuple(each.recorded for each in of_call) == view.history
    assert [each.state_before for each in of_call] == [
        None,
        *[recorded.state for recorded in view.history[:-1]],
    ]
    assert seen(changes).count(("other", 1)) == 1


async def test_a_late_commit_is_told_and_holds_nobody_back(storage: StorageArrangement) -> None:
    """Its transaction began, and wrote, before others that were told long ago."""
    begun = await place(storage)
    async with storage.units() as late:
        await late.calls.save([Call.start("late", at(0))])
        await save(storage, Call.start("c-1", at(1)))
        first = await storage.changes.moment(begun, PLENTY, 0)
        await save(storage, Call.start("c-2", at(2)))
        second = await storage.changes.moment(first.place, PLENTY, 0)
        await late.commit()
    third = await storage.changes.moment(second.place, PLENTY, 0)
    assert [seen(moment.changes) for moment in (first, second, third)] == [
        [("c-1", 1)],
        [("c-2", 1)],
        [("late", 1)],
    ]
    assert sorted(seen(await since(storage, begun))) == [("c-1", 1), ("c-2", 1), ("late", 1)]


async def test_what_rolls_back_is_never_told(storage: StorageArrangement) -> None:
    begun = await place(storage)
    async with storage.units() as unit:
        await unit.calls.save([Call.start("gone", at(0))])
        meanwhile = await place(storage)
    await save(storage, Call.start("c-1", at(1)))
    assert seen(await since(storage, begun)) == seen(await since(storage, meanwhile)) == [("c-1", 1)]


async def test_from_every_place_the_rest_is_told_once(storage: StorageArrangement) -> None:
    """Also from those within what was committed together, and whatever was committed since."""
    begun = await place(storage)
    async with storage.units() as late:
        await late.calls.save([rich_calls.completed("late")])
        await save(storage, *[rich_calls.in_first_run(f"c-{number}") for number in range(4)])
        changes = await since(storage, begun)
        assert changes is not None
        await change(storage, "c-1", lambda call: call.abandon_run(at(90)))
        await change(storage, "c-1", lambda call: call.begin_run(at(91)))
        await late.commit()
    until = await place(storage)
    everything = {*seen(changes), ("c-1", 4), ("late", 1), ("late", 2)}
    assert len(everything) == 15
    told: list[Seen] = []
    for each in changes:
        told.append((each.call_id, each.recorded.version))
        rest = seen(await storage.changes.between(each.place, until, PLENTY))
        assert len(rest) == len(set(rest))
        assert set(rest) == everything - set(told)
        assert {*rest} >= {*seen(await since(storage, each.place))} >= {("c-1", 4)}
        assert [version for call_id, version in rest if call_id == "late"] == [1, 2]


@pytest.mark.parametrize("seed", range(3))
async def test_a_reader_who_changes_processes_all_the_time_misses_nothing(
    storage: StorageArrangement, seed: int
) -> None:
    """Two processes look when they like; transactions commit in any order, or roll back."""
    chance = random.Random(seed)
    looked = [await place(storage), await place(storage)]
    reader = _Reader(looked[0])
    committed: list[Seen] = []
    writing: list[_Writing] = []
    for number in range(120):
        step = chance.choice(["write", "write", "commit", "commit", "roll back", "look", "look", "hop"])
        if step == "write" and len(writing) < 5:
            writing.append(await _Writing.begin(storage, f"c-{number}"))
        elif step in ("commit", "roll back") and writing:
            written = writing.pop(chance.randrange(len(writing)))
            await written.end(step == "commit")
            committed += [(written.call_id, 1), (written.call_id, 2)] if step == "commit" else []
        elif step == "look":
            process = chance.randrange(2)
            moment = await storage.changes.moment(looked[process], PLENTY, 0)
            looked[process] = moment.place
            if process == reader.process:
                reader.told(moment.changes, chance)
        elif step == "hop":
            reader.process = 1 - reader.process
            looked[reader.process] = await place(storage)
            reader.is_cut = False
            missed = await storage.changes.between(reader.place, looked[reader.process], PLENTY)
            reader.told(missed, chance)
    for written in writing:
        await written.end(False)
    reader.is_cut = False
    reader.told(await storage.changes.between(reader.place, await place(storage), PLENTY), None)
    assert sorted(reader.seen) == sorted(committed)
    for call_id in {call_id for call_id, _ in committed}:
        assert [version for seen_id, version in reader.seen if seen_id == call_id] == [1, 2]


@attrs.define
class _Writing:
    """A transaction that has written and is not over."""

    call_id: str
    _unit: UnitOfWork
    _stack: AsyncExitStack

    @classmethod
    async def begin(cls, storage: StorageArrangement, call_id: str) -> _Writing:
        stack = AsyncExitStack()
        unit = await stack.enter_async_context(storage.units())
        await unit.calls.save([rich_calls.completed(call_id)])
        return cls(call_id, unit, stack)

    async def end(self, commits: bool) -> None:
        if commits:
            await self._unit.commit()
        await self._stack.aclose()


@attrs.define
class _Reader:
    """Reads what one process tells; its connection may break after any change, and then it hears no more."""

    place: str
    process: int = 0
    is_cut: bool = False
    seen: list[Seen] = attrs.field(factory=list)

    def told(self, changes: Sequence[Change] | None, chance: random.Random | None) -> None:
        assert changes is not None
        for each in changes:
            if chance is not None and chance.random() < 0.2:
                self.is_cut = True
            if self.is_cut:
                return
            self.seen.append((each.call_id, each.recorded.version))
            self.place = each.place


@pytest.mark.parametrize(
    "nowhere", ["", "nonsense", "fake", "elsewhere/1", "elsewhere/10:10:", "elsewhere/10:10:/11:11:/1/c-1"]
)
async def test_from_nowhere_nothing_can_be_told(storage: StorageArrangement, nowhere: str) -> None:
    here = await place(storage)
    assert await storage.changes.between(nowhere, here, PLENTY) is None
    if nowhere:
        assert await since(storage, nowhere) is None


async def test_too_much_is_not_told(storage: StorageArrangement) -> None:
    begun = await place(storage)
    await save(storage, rich_calls.completed("a"), rich_calls.completed("b"))
    here = await place(storage)
    assert await since(storage, begun, 3) is None
    assert await storage.changes.between(begun, here, 3) is None
    changes = await since(storage, begun, 4)
    assert changes is not None
    assert len(changes) == 4
    await save(storage, *[Call.start(f"c-{number}", at(0)) for number in range(5)])
    assert await storage.changes.between(changes[1].place, await place(storage), 4) is None


async def test_those_that_go_on_are_shown(storage: StorageArrangement) -> None:
    """The newest, with their streams."""
    calls = [rich_calls.in_progress("a"), rich_calls.in_progress("b"), Call.start("new", at(9))]
    await save(storage, *calls, rich_calls.archived("c"))
    moment = await storage.changes.moment(None, PLENTY, 2)
    assert moment.live is not None
    assert [call.call_id for call in moment.live] == ["new", "b"]
    assert set(moment.live[1].streams) == {"leg#1", "a:b@c._-9"}


async def test_calls_are_counted(storage: StorageArrangement) -> None:
    await save(storage, rich_calls.in_progress("a"), Call.start("new", at(9)), rich_calls.archived("c"))
    await save(storage, rich_calls.failed("d"), rich_calls.failed("e"))
    counted = await storage.changes.count()
    assert counted.by_state == {
        CallState.IN_PROGRESS: 2,
        CallState.COMPLETED: 0,
        CallState.PROCESSING_AI: 0,
        CallState.ARCHIVED: 1,
        CallState.FAILED: 2,
    }


async def test_what_was_counted_goes_on_to_any_later_place(storage: StorageArrangement) -> None:
    """It is what counting there would have found, whatever committed late; and no more than that."""
    await save(storage, Call.start("a", at(0)), Call.start("b", at(0)))
    async with storage.units() as late:
        await late.calls.save([rich_calls.completed("late")])
        counted = await storage.changes.count()
        await change(storage, "a", lambda call: call.complete({}, 2, at(60)))
        await change(storage, "a", lambda call: call.begin_run(at(63)))
        await save(storage, rich_calls.failed("c"))
        before = await storage.changes.count()
        await late.commit()
    after = await storage.changes.count()
    await save(storage, Call.start("too-late", at(0)))
    for later in (before, after):
        assert await storage.changes.count_on(counted, later.place, PLENTY) == later
    assert before.by_state != after.by_state
    assert await storage.changes.count_on(after, after.place, 0) == after


async def test_counts_do_not_go_on_over_too_much_or_from_elsewhere(storage: StorageArrangement) -> None:
    counted = await storage.changes.count()
    await save(storage, *[Call.start(f"c-{number}", at(0)) for number in range(4)])
    here = await place(storage)
    assert await storage.changes.count_on(counted, here, 3) is None
    assert await storage.changes.count_on(counted, here, 4) is not None
    elsewhere = CountedCalls("elsewhere/0:0:", counted.by_state)
    assert await storage.changes.count_on(elsewhere, here, PLENTY) is None

"""A call's beginning, its end, its reprocessing, and the jobs that go with them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from application.complete_call import CompleteCall
from application.errors import CallStartedElsewhere, OutcomeUnknown, Overloaded, StorageUnavailable
from application.reconcile_jobs import ReconcileJobs
from application.reprocess_call import ReprocessCall
from application.start_call import StartCall
from domain.analysis import Analysis, Failure, FailureReason, Transcript
from domain.audio_stream import AudioStream
from domain.call import Call
from domain.call_state import CallState
from domain.errors import AudioDropped, CallDiffers, IllegalTransition, InvalidValue, UnknownCall
from domain.media_format import Encoding, MediaFormat
from domain.packet import IncomingPacket, Packet
from domain.sequence_set import SequenceSet
from tests.fakes.storage import InMemoryStorage, Job
from tests.fakes.unit_of_work import FakeUnitsOfWork
from tests.unit.domain.example_calls import snapshot

MULAW = MediaFormat(Encoding.MULAW, 8000, 1)
SETTLE_SECONDS = 2.0


@pytest.fixture
def start(units: FakeUnitsOfWork) -> StartCall:
    return StartCall(units)


@pytest.fixture
def complete(units: FakeUnitsOfWork) -> CompleteCall:
    return CompleteCall(units, SETTLE_SECONDS)


@pytest.fixture
def reprocess(units: FakeUnitsOfWork) -> ReprocessCall:
    return ReprocessCall(units)


def going_on(storage: InMemoryStorage) -> Call:
    call = Call.start("c-1", storage.clock.now)
    storage.put(call)
    return call


def in_a_run(storage: InMemoryStorage, call_id: str = "c-1") -> Call:
    call = Call.start(call_id, storage.clock.now)
    call.complete({}, 0, storage.clock.now)
    call.begin_run(storage.clock.now)
    storage.put(call)
    return call


def archived(storage: InMemoryStorage) -> Call:
    call = in_a_run(storage)
    call.save_transcript(1, Transcript("hello"), storage.clock.now)
    call.archive(1, Analysis.of_nothing_said(), storage.clock.now)
    storage.put(call)
    return call


async def test_a_new_call_is_started(start: StartCall, storage: InMemoryStorage) -> None:
    call, is_new = await start("c-1", MULAW, {"from": "+1555"})
    assert is_new
    assert (call.state, call.media, call.started_at) == (CallState.IN_PROGRESS, MULAW, storage.clock.now)
    assert storage.call("c-1").metadata == {"from": "+1555"}
    assert storage.event_names("c-1") == ["call_started"]


async def test_the_same_start_again_changes_nothing(start: StartCall, storage: InMemoryStorage) -> None:
    await start("c-1", MULAW, {"from": "+1555"})
    call, is_new = await start("c-1", MULAW, {"from": "+1555"})
    assert not is_new
    assert call.call_id == "c-1"
    assert storage.commits == 1


async def test_another_start_is_refused(start: StartCall, storage: InMemoryStorage) -> None:
    await start("c-1", MULAW, None)
    with pytest.raises(CallDiffers):
        await start("c-1", None, None)
    with pytest.raises(InvalidValue):
        await start("not an id", None, None)
    assert set(storage.calls) == {"c-1"}


async def test_of_starts_at_once_one_is_new_and_the_others_find_it(start: StartCall) -> None:
    started = await asyncio.gather(*(start("c-1", MULAW, None) for _ in range(5)))
    assert sorted(is_new for _, is_new in started) == [False] * 4 + [True]


async def test_a_start_that_loses_every_race_ends(start: StartCall, storage: InMemoryStorage) -> None:
    for _ in range(5):
        storage.fail_next("save", CallStartedElsewhere())
    with pytest.raises(Overloaded):
        await start("c-1", None, None)


async def test_completing_moves_the_call_and_makes_its_job_in_one_commit(
    complete: CompleteCall, storage: InMemoryStorage
) -> None:
    going_on(storage)
    call = await complete("c-1", {"main": 5})
    due = storage.clock.now + timedelta(seconds=SETTLE_SECONDS)
    assert call.state is CallState.COMPLETED
    assert call.missing() == {"main": ((1, 5),)}
    assert storage.call("c-1").next_run_at == due
    assert storage.jobs == {"c-1": Job(due)}
    assert storage.commits == 1


async def test_a_whole_call_has_a_job_that_is_due_at_once(
    complete: CompleteCall, storage: InMemoryStorage
) -> None:
    going_on(storage)
    await complete("c-1", {"main": 0})
    assert storage.jobs == {"c-1": Job(storage.clock.now)}


@pytest.mark.parametrize("step", ["lock", "save", "commit"])
async def test_where_completing_fails_there_is_neither_state_nor_job(
    complete: CompleteCall, storage: InMemoryStorage, step: str
) -> None:
    going_on(storage)
    storage.fail_next(step, StorageUnavailable())  # type: ignore[arg-type]  # it is one of the steps
    with pytest.raises(StorageUnavailable):
        await complete("c-1", {})
    assert storage.call("c-1").state is CallState.IN_PROGRESS
    assert storage.jobs == {}


async def test_completing_again_changes_nothing(complete: CompleteCall, storage: InMemoryStorage) -> None:
    going_on(storage)
    storage.fail_next("commit", OutcomeUnknown(), stored=True)
    with pytest.raises(OutcomeUnknown):
        await complete("c-1", {"main": 5})
    jobs = dict(storage.jobs)
    storage.clock.advance(1)
    call = await complete("c-1", {"main": 7})
    assert call.final_sequences == {"main": 5}
    assert storage.jobs == jobs
    assert storage.commits == 1


async def test_completing_refuses_what_makes_no_sense(
    complete: CompleteCall, storage: InMemoryStorage
) -> None:
    with pytest.raises(UnknownCall):
        await complete("c-1", {})
    going_on(storage)
    with pytest.raises(InvalidValue):
        await complete("c-1", {"main": -1})
    assert storage.jobs == {}


async def test_reprocessing_moves_the_call_and_makes_its_job_in_one_commit(
    reprocess: ReprocessCall, storage: InMemoryStorage
) -> None:
    archived(storage)
    call = await reprocess("c-1")
    assert call.state is CallState.PROCESSING_AI
    assert storage.call("c-1").next_run_at == storage.clock.now
    assert storage.jobs == {"c-1": Job(storage.clock.now)}
    assert storage.commits == 1


async def test_where_reprocessing_fails_there_is_neither_state_nor_job(
    reprocess: ReprocessCall, storage: InMemoryStorage
) -> None:
    archived(storage)
    storage.fail_next("commit", StorageUnavailable())
    with pytest.raises(StorageUnavailable):
        await reprocess("c-1")
    assert storage.call("c-1").state is CallState.ARCHIVED
    assert storage.jobs == {}


def with_a_packet(storage: InMemoryStorage, call: Call) -> IncomingPacket:
    """Received and stored before the call ended."""
    packet = IncomingPacket(call.call_id, "main", 1, 1.0, "hello")
    call.streams["main"] = AudioStream("main", SequenceSet([(1, 1)]), 5)
    storage.put(call)
    storage.packets[packet.key] = Packet(call.call_id, "main", 1, 1.0, b"hello")
    return packet


async def test_what_was_dropped_cannot_be_reprocessed_and_stays_as_it_is(
    reprocess: ReprocessCall, storage: InMemoryStorage
) -> None:
    packet = with_a_packet(storage, archived(storage))
    before = snapshot(storage.call("c-1"))
    del storage.packets[packet.key]
    with pytest.raises(AudioDropped):
        await reprocess("c-1")
    assert snapshot(storage.call("c-1")) == before
    assert storage.jobs == {}


async def test_what_is_still_there_can_be_reprocessed(
    reprocess: ReprocessCall, storage: InMemoryStorage
) -> None:
    with_a_packet(storage, archived(storage))
    assert (await reprocess("c-1")).state is CallState.PROCESSING_AI


async def test_a_failed_call_that_has_its_transcript_needs_no_packets(
    reprocess: ReprocessCall, storage: InMemoryStorage
) -> None:
    call = in_a_run(storage)
    call.save_transcript(1, Transcript("hello"), storage.clock.now)
    call.fail(1, Failure(FailureReason.AI_REFUSED, "401"), storage.clock.now)
    packet = with_a_packet(storage, call)
    del storage.packets[packet.key]
    assert (await reprocess("c-1")).state is CallState.PROCESSING_AI


async def test_a_call_that_never_had_a_packet_can_be_reprocessed(
    reprocess: ReprocessCall, storage: InMemoryStorage
) -> None:
    archived(storage)
    assert (await reprocess("c-1")).state is CallState.PROCESSING_AI


async def test_only_what_is_over_can_be_reprocessed(
    reprocess: ReprocessCall, storage: InMemoryStorage
) -> None:
    with pytest.raises(UnknownCall):
        await reprocess("c-1")
    going_on(storage)
    with pytest.raises(IllegalTransition):
        await reprocess("c-1")
    assert storage.jobs == {}


async def test_calls_that_lost_their_job_get_one_for_their_time(
    units: FakeUnitsOfWork, storage: InMemoryStorage
) -> None:
    now = storage.clock.now
    in_a_run(storage, "running")
    late = in_a_run(storage, "late")
    late.postpone(1, Failure(FailureReason.AI_UNAVAILABLE, "503"), [90], now)
    storage.put(late)
    going_on(storage)
    archived_elsewhere = in_a_run(storage, "has-a-job")
    storage.jobs[archived_elsewhere.call_id] = Job(now, is_picked=True)
    storage.clock.advance(30)

    assert await ReconcileJobs(units)() == 2

    assert storage.jobs == {
        "running": Job(storage.clock.now),
        "late": Job(now + timedelta(seconds=90)),
        "has-a-job": Job(now, is_picked=True),
    }
    assert await ReconcileJobs(units)() == 0


async def test_a_run_that_is_overdue_is_reconciled_to_now(
    units: FakeUnitsOfWork, storage: InMemoryStorage, complete: CompleteCall
) -> None:
    going_on(storage)
    await complete("c-1", {})
    storage.jobs.clear()
    storage.clock.advance(3_600)
    await ReconcileJobs(units)()
    assert storage.jobs == {"c-1": Job(storage.clock.now)}

"""Processes that end in the middle of their work, and the calls that were in it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import attrs
import pytest

from application.errors import StorageUnavailable
from application.ports import RecordingPart
from application.process_call import ProcessCall
from domain.analysis import Analysis, FailureReason, Transcript
from domain.call import Call
from domain.call_state import CallState
from domain.media_format import Encoding, MediaFormat
from domain.packet import IncomingPacket, Packet
from tests.deliveries import receive
from tests.fakes.ai import FakeAnalyst, FakeTranscriber
from tests.fakes.recordings import FakeRecordings
from tests.fakes.storage import InMemoryStorage
from tests.fakes.storage_reader import FakeStorageReader
from tests.fakes.unit_of_work import FakeUnitsOfWork
from tests.waiting import until

GUILTY = "guilty"
NEIGHBOURS = [f"neighbour-{number}" for number in range(15)]
SECOND_OF_SOUND = b"\1\0" * 16_000


class Killed(BaseException):
    """What is under way when its process is killed goes no further; nothing can catch it and go on."""


@attrs.define(eq=False)
class Analyst(FakeAnalyst):
    """Kills its process when it is asked about the guilty call; who asks about others may have to wait."""

    answers: bool
    dies: asyncio.Event = attrs.field(factory=asyncio.Event)
    at_once: int = 0
    most_at_once: int = 0

    def __attrs_post_init__(self) -> None:
        super().__init__()

    async def analyse(self, transcript: Transcript, idempotency_key: str) -> Analysis:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        if transcript.text == GUILTY:
            self.dies.set()
        if transcript.text == GUILTY or not self.answers:
            await self.dies.wait()
            raise Killed
        self.at_once -= 1
        return await super().analyse(transcript, idempotency_key)


@attrs.define(eq=False)
class Machine:
    """On which one process after another works on the calls. ``set_aside`` counts those told of."""

    storage: InMemoryStorage
    set_aside: int = 0

    def ends(self, *call_ids: str) -> None:
        """Have completed text calls that are due; what is said in each is its id."""
        now = self.storage.clock.now
        for call_id in call_ids:
            call = Call.start(call_id, now)
            receive(call, IncomingPacket(call_id, "main", 1, 1.0, call_id), None)
            packet = Packet(call_id, "main", 1, 1.0, call_id.encode())
            self.storage.packets[packet.key] = packet
            call.complete({}, 0, now)
            self.storage.put(call)

    def process(self, analyst: FakeAnalyst) -> ProcessCall:
        return ProcessCall(
            FakeUnitsOfWork(self.storage),
            FakeStorageReader(self.storage),
            FakeRecordings(part_seconds=1),
            FakeTranscriber(),
            analyst,
            (60.0,),
            self._note,
        )

    def _note(self) -> None:
        self.set_aside += 1

    async def lives(self, call_ids: Iterable[str], analyst: Analyst) -> bool:
        """A process works on all of the calls at once until nothing is left to do, or it is killed: False."""
        process_call = self.process(analyst)

        async def work(call_id: str) -> None:
            while await process_call(call_id) is not None:
                await asyncio.sleep(0)
                if analyst.dies.is_set():
                    raise Killed

        ends = await asyncio.gather(*map(work, call_ids), return_exceptions=True)
        assert all(end is None or isinstance(end, Killed) for end in ends)
        return not any(ends)

    def states(self, call_ids: Sequence[str]) -> set[CallState]:
        return {self.storage.call(call_id).state for call_id in call_ids}


@pytest.fixture
def machine(storage: InMemoryStorage) -> Machine:
    return Machine(storage)


async def test_a_call_that_ends_its_process_is_set_aside_after_the_third(machine: Machine) -> None:
    machine.ends(GUILTY)
    lives = [await machine.lives([GUILTY], Analyst(answers=True)) for _ in range(4)]
    assert lives == [False, False, False, True]
    call = machine.storage.call(GUILTY)
    assert call.state is CallState.FAILED
    assert call.failure is not None
    assert call.failure.reason is FailureReason.POISON
    assert (call.runs, machine.set_aside) == (3, 1)
    assert machine.storage.event_names(GUILTY)[2:] == [
        "run_started",
        "call_transcribed",
        "run_started",
        "run_started",
        "call_failed",
    ]


async def test_its_neighbours_are_archived_though_they_were_in_work_beside_it(machine: Machine) -> None:
    """Twice all of them die together; then those that did are worked on one by one, and only one kills."""
    calls = [*NEIGHBOURS[:8], GUILTY, *NEIGHBOURS[8:]]
    machine.ends(*calls)
    for _ in range(2):
        assert not await machine.lives(calls, Analyst(answers=False))
    analyst = Analyst(answers=True)
    deaths = 2
    while not await machine.lives(calls, analyst):
        deaths += 1
        assert analyst.most_at_once == 1
        analyst = Analyst(answers=True)
    assert deaths == 3
    assert machine.states(NEIGHBOURS) == {CallState.ARCHIVED}
    assert machine.states([GUILTY]) == {CallState.FAILED}
    assert machine.set_aside == 1


async def test_who_is_no_suspect_does_not_wait_for_those_who_are(machine: Machine) -> None:
    suspects, others = NEIGHBOURS[:3], NEIGHBOURS[3:]
    machine.ends(*suspects)
    for _ in range(2):
        await killed_from_outside(machine, suspects)
    machine.ends(*others)
    analyst = Analyst(answers=False)
    working = asyncio.create_task(machine.lives([*suspects, *others], analyst))
    await until(lambda: analyst.at_once == 1 + len(others))
    analyst.dies.set()
    await working
    assert analyst.most_at_once == 1 + len(others)


async def killed_from_outside(machine: Machine, call_ids: Sequence[str], at_once: int | None = None) -> None:
    """While so many of the calls, or all, are in the AI's hands."""
    analyst = Analyst(answers=False)
    working = asyncio.create_task(machine.lives(call_ids, analyst))
    await until(lambda: analyst.at_once == (at_once or len(call_ids)))
    analyst.dies.set()
    assert not await working


async def test_of_calls_whose_process_is_killed_three_times_for_no_fault_of_theirs_one_is_suspected_at_most(
    machine: Machine,
) -> None:
    """The one that was worked on alone. It says why, and can be reprocessed."""
    machine.ends(*NEIGHBOURS)
    for at_once in (len(NEIGHBOURS), len(NEIGHBOURS), 1):
        await killed_from_outside(machine, NEIGHBOURS, at_once)
    assert await machine.lives(NEIGHBOURS, Analyst(answers=True))
    states = [machine.storage.call(call_id).state for call_id in NEIGHBOURS]
    assert states.count(CallState.ARCHIVED) >= len(NEIGHBOURS) - 1


async def test_twice_is_never_a_fault(machine: Machine) -> None:
    machine.ends(*NEIGHBOURS)
    for _ in range(2):
        await killed_from_outside(machine, NEIGHBOURS)
    assert await machine.lives(NEIGHBOURS, Analyst(answers=True))
    assert machine.states(NEIGHBOURS) == {CallState.ARCHIVED}


async def test_a_run_that_finishes_a_step_before_it_is_killed_clears_its_call(
    storage: InMemoryStorage,
) -> None:
    """A long recording gets on, part by part, however often someone kills its process."""
    now, sound = storage.clock.now, MediaFormat(Encoding.L16, 16_000, 1)
    call, recordings = Call.start("c-1", now, sound), FakeRecordings(part_seconds=1)
    for sequence in range(1, 7):
        incoming = IncomingPacket("c-1", "main", sequence, float(sequence), sound.encode(SECOND_OF_SOUND))
        receive(call, incoming, None)
        packet = Packet("c-1", "main", sequence, float(sequence), SECOND_OF_SOUND)
        storage.packets[packet.key] = packet
        recordings.packets.append(packet)
    call.complete({}, 0, now)
    storage.put(call)
    machine = Machine(storage)

    def process() -> ProcessCall:
        return attrs.evolve(
            machine.process(FakeAnalyst()), recordings=recordings, transcriber=KillsAtTheSecondPart()
        )

    for _ in range(5):
        with pytest.raises(Killed):
            await process()("c-1")
        assert storage.call("c-1").state is CallState.PROCESSING_AI
    assert await process()("c-1") is None
    assert storage.call("c-1").state is CallState.ARCHIVED


class KillsAtTheSecondPart(FakeTranscriber):
    async def transcribe(self, part: RecordingPart, idempotency_key: str) -> Transcript:
        if self.asked:
            raise Killed
        return await super().transcribe(part, idempotency_key)


async def hand_on(machine: Machine) -> None:
    """Cancel a run while it is in the AI's hands, as a process does that is told to stop."""
    analyst = Analyst(answers=False)
    running = asyncio.create_task(machine.process(analyst)("c-1"))
    await until(lambda: analyst.at_once == 1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_run_that_is_handed_on_was_not_abandoned(machine: Machine) -> None:
    machine.ends("c-1")
    for _ in range(5):
        await hand_on(machine)
        call = machine.storage.call("c-1")
        assert (call.state, call.next_run_at) == (CallState.PROCESSING_AI, machine.storage.clock.now)
        assert call.abandoned_runs == 0
    assert await machine.lives(["c-1"], Analyst(answers=True))
    assert machine.states(["c-1"]) == {CallState.ARCHIVED}


async def test_a_run_that_the_database_ended_was_not_abandoned(machine: Machine) -> None:
    """Its process lives, and the trouble is none of the call's."""
    machine.ends("c-1")
    for _ in range(5):
        machine.storage.fail_next("read", StorageUnavailable())
        with pytest.raises(StorageUnavailable):
            await machine.process(FakeAnalyst())("c-1")
        assert machine.storage.call("c-1").abandoned_runs == 0
    assert await machine.lives(["c-1"], Analyst(answers=True))
    assert machine.states(["c-1"]) == {CallState.ARCHIVED}


async def test_a_run_that_could_not_be_handed_on_stops_all_the_same(machine: Machine) -> None:
    """The database is away: nobody can tell it from one whose process was killed."""
    machine.ends("c-1")
    machine.storage.skip("begin", 2)  # the run, the transcript
    machine.storage.fail_next("begin", StorageUnavailable())
    await hand_on(machine)
    assert machine.storage.call("c-1").next_run_at is None
    assert await machine.lives(["c-1"], Analyst(answers=True))
    assert machine.storage.call("c-1").state is CallState.ARCHIVED

"""Ingestion while the database is away, and what becomes of it when it is back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import attrs
import pytest

from application.commands import Completion, Start
from application.complete_call import CompleteCall
from application.errors import BatchRefused, OutcomeUnknown, SpoolUnavailable
from application.ingest_or_spool import CompleteOrSpool, ReceiveOrSpool, StartOrSpool
from application.ports import JournalSize, RefusalPosition
from application.receive_packets import ReceivePackets
from application.replay_spool import ReplaySpool
from application.spool import SPOOLED, Spool, Spooled
from application.spool_refusals import SpoolRefusals
from application.start_call import StartCall
from application.stored_packets import AreStored
from domain.call_state import CallState
from domain.delivery import Delivery, DeliveryReceipt
from domain.errors import InvalidValue, TrunklineError
from domain.media_format import Encoding, MediaFormat
from domain.packet import IncomingPacket, PacketKey
from tests.fakes.journal import FakeJournal
from tests.fakes.refusals import FakeRefusals
from tests.fakes.storage import InMemoryStorage
from tests.fakes.switched_units import SwitchedUnits
from tests.fakes.unit_of_work import FakeUnitsOfWork
from tests.waiting import until

MULAW = MediaFormat(Encoding.MULAW, 8000, 1)
DATABASE_SECONDS = 0.05


@attrs.define(eq=False)
class Ingestion:
    storage: InMemoryStorage
    units: SwitchedUnits
    journal: FakeJournal
    spool: Spool
    refusals: FakeRefusals
    receive: ReceiveOrSpool
    start: StartOrSpool
    complete: CompleteOrSpool
    replay: ReplaySpool
    refused: list[int]
    sizes: list[JournalSize]

    async def send(self, *sequences: int, data: str = "hi") -> DeliveryReceipt | TrunklineError | Spooled:
        (outcome,) = await self.receive([packets(*sequences, data=data)])
        return outcome

    @asynccontextmanager
    async def replaying(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.replay.run_for_ever())
        yield
        assert not task.done()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def catch_up(self) -> None:
        async with self.replaying():
            await until(lambda: not self.spool.is_spooling)

    @property
    def reasons(self) -> list[str]:
        return [kept.refusal.reason for kept in self.refusals.kept.values()]


def packets(*sequences: int, data: str = "hi") -> Delivery:
    return Delivery("c-1", tuple(IncomingPacket("c-1", "main", number, 1.5, data) for number in sequences))


@pytest.fixture
def journal() -> FakeJournal:
    return FakeJournal()


@pytest.fixture
def ingestion(storage: InMemoryStorage, units: FakeUnitsOfWork, journal: FakeJournal) -> Ingestion:
    switched = SwitchedUnits(units)
    spool, refusals = Spool(journal, DATABASE_SECONDS), FakeRefusals()
    spool.open()
    start, complete = StartCall(switched), CompleteCall(switched, 2.0)
    polite = ReceivePackets(switched, lambda: not journal.others_hold())
    refused: list[int] = []
    sizes: list[JournalSize] = []
    replay = ReplaySpool(
        journal,
        spool,
        ReceivePackets(switched, is_replay=True),
        ReceivePackets(switched, lambda: False, is_replay=True),
        start,
        complete,
        AreStored(switched),
        refusals,
        sizes.append,
        refused.append,
        probe_seconds=0.01,
        adopt_seconds=0.01,
    )
    return Ingestion(
        storage,
        switched,
        journal,
        spool,
        refusals,
        ReceiveOrSpool(polite, spool),
        StartOrSpool(start, spool),
        CompleteOrSpool(complete, spool, journal),
        replay,
        refused,
        sizes,
    )


async def spool_something(ingestion: Ingestion) -> None:
    ingestion.units.is_down = True
    assert await ingestion.send(1) is SPOOLED
    ingestion.units.is_down = False


async def test_while_all_is_well_nothing_is_spooled(ingestion: Ingestion) -> None:
    assert isinstance(await ingestion.start("c-1", None, None), tuple)
    assert isinstance(await ingestion.send(1), DeliveryReceipt)
    assert not isinstance(await ingestion.complete("c-1", {}), Spooled)
    assert ingestion.journal.commands == []
    assert not ingestion.spool.is_spooling


async def test_while_the_database_is_away_everything_is_spooled_in_order(ingestion: Ingestion) -> None:
    ingestion.units.is_down = True
    assert await ingestion.start("c-1", MULAW, {"from": "1"}) is SPOOLED
    assert await ingestion.receive([packets(1), packets(2, 3)]) == [SPOOLED, SPOOLED]
    assert await ingestion.complete("c-1", {"main": 3}) is SPOOLED
    assert ingestion.journal.commands == [
        Start("c-1", MULAW, {"from": "1"}),
        packets(1),
        packets(2, 3),
        Completion("c-1", {"main": 3}),
    ]
    assert ingestion.units.begun == 1, "only the first had to find out"


async def test_a_database_that_hangs_is_noticed_once_and_soon(ingestion: Ingestion) -> None:
    ingestion.units.hangs = True
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await ingestion.send(1) is SPOOLED
    assert DATABASE_SECONDS <= loop.time() - began < 10 * DATABASE_SECONDS
    for number in range(2, 100):
        assert await ingestion.send(number) is SPOOLED
    assert ingestion.units.begun == 1


async def test_what_was_spooled_is_replayed_and_then_everything_is_as_before(ingestion: Ingestion) -> None:
    ingestion.units.is_down = True
    await ingestion.start("c-1", MULAW, {"from": "1"})
    await ingestion.send(1, 2, data="//8=")
    await ingestion.complete("c-1", {"main": 2})
    ingestion.units.is_down = False
    await ingestion.catch_up()
    call = ingestion.storage.call("c-1")
    assert (call.media, call.metadata, call.state) == (MULAW, {"from": "1"}, CallState.COMPLETED)
    assert ingestion.storage.packets[PacketKey("c-1", "main", 1)].data == b"\xff\xff"
    assert ingestion.storage.event_names("c-1") == ["call_started", "call_completed"]
    assert ingestion.journal.size.entries == 0
    assert isinstance(await ingestion.send(1, data="//8="), DeliveryReceipt)
    assert ingestion.reasons == []


async def test_nothing_new_overtakes_what_is_spooled_though_the_database_is_back(
    ingestion: Ingestion,
) -> None:
    """Or packets would start a text call before the init of the audio call."""
    ingestion.units.is_down = True
    await ingestion.start("c-1", MULAW, None)
    ingestion.units.is_down = False
    assert await ingestion.send(1, data="//8=") is SPOOLED
    await ingestion.catch_up()
    assert ingestion.storage.call("c-1").media == MULAW
    assert ingestion.reasons == []


async def test_nothing_that_came_during_the_replay_is_lost_or_reordered(ingestion: Ingestion) -> None:
    """Each is sent when the one before is answered, from before the database is back until long after."""
    ingestion.units.is_down = True
    answers: list[object] = []

    async def one_after_another() -> None:
        await ingestion.start("c-1", MULAW, None)
        number = 0
        while not answers or isinstance(answers[-1], Spooled):
            number += 1
            answers.append(await ingestion.send(number, data="//8="))
            await asyncio.sleep(0.0005)
            ingestion.units.is_down = number < 100
        await ingestion.complete("c-1", {"main": number})

    async with ingestion.replaying():
        async with asyncio.timeout(10):
            await one_after_another()
    assert len(answers) > 100
    assert isinstance(answers[0], Spooled)
    call = ingestion.storage.call("c-1")
    assert (call.media, call.state) == (MULAW, CallState.COMPLETED)
    assert call.streams["main"].standing().through == len(answers)
    assert call.missing() == {}
    assert ingestion.reasons == []


async def test_what_is_being_written_to_the_journal_comes_before_what_is_new(ingestion: Ingestion) -> None:
    """The switch back waits for it, and what is new waits for the switch."""
    await spool_something(ingestion)
    ingestion.journal.gate.clear()
    being_written = asyncio.create_task(ingestion.send(2))
    async with ingestion.replaying():
        await until(lambda: PacketKey("c-1", "main", 1) in ingestion.storage.packets)
        new = asyncio.create_task(ingestion.send(3))
        await asyncio.sleep(0.02)
        assert ingestion.spool.is_spooling
        assert not new.done()
        ingestion.journal.gate.set()
        assert await being_written is SPOOLED
        assert isinstance(await new, DeliveryReceipt)
    assert ingestion.storage.call("c-1").missing() == {}


async def test_it_is_not_closed_over_something_that_is_left(ingestion: Ingestion) -> None:
    await spool_something(ingestion)
    async with ingestion.spool.closing():
        pass
    assert await ingestion.send(2) is SPOOLED


async def test_the_database_may_leave_again_in_the_middle_of_the_replay(ingestion: Ingestion) -> None:
    ingestion.journal.most_at_once = 1
    ingestion.units.is_down = True
    for number in range(1, 6):
        await ingestion.send(number)
    ingestion.units.is_down = False
    async with ingestion.replaying():
        await until(lambda: PacketKey("c-1", "main", 2) in ingestion.storage.packets)
        ingestion.units.is_down = True
        await asyncio.sleep(0.05)
        assert await ingestion.send(6) is SPOOLED or not ingestion.spool.is_spooling
        ingestion.units.is_down = False
        await until(lambda: not ingestion.spool.is_spooling)
    assert ingestion.storage.call("c-1").streams["main"].standing().through >= 5
    assert ingestion.reasons == []


@pytest.mark.parametrize("stored", [True, False])
async def test_what_may_have_been_stored_is_spooled_and_counts_once(
    ingestion: Ingestion, stored: bool
) -> None:
    ingestion.storage.fail_next("commit", OutcomeUnknown(), stored=stored)
    assert await ingestion.send(1) is SPOOLED
    await ingestion.catch_up()
    call = ingestion.storage.call("c-1")
    assert len(call.streams["main"].received) == 1
    assert call.streams["main"].duplicates == 0, "nobody sent it again"
    assert ingestion.storage.event_names("c-1") == ["call_started"]
    assert ingestion.reasons == []


async def test_what_the_rules_refuse_is_kept_with_its_reason_and_the_rest_goes_on(
    ingestion: Ingestion,
) -> None:
    await ingestion.start("c-1", None, None)
    await ingestion.send(1, data="first")
    ingestion.units.is_down = True
    await ingestion.start("c-1", MULAW, None)
    await ingestion.send(1, data="other")
    await ingestion.send(2)
    await ingestion.complete("nobody", {})
    await ingestion.complete("c-1", {})
    ingestion.units.is_down = False
    await ingestion.catch_up()
    assert ingestion.reasons == ["CallDiffers", "SequenceConflict", "UnknownCall"]
    kept = list(ingestion.refusals.kept.values())
    assert kept[1].refusal.entry.command == packets(1, data="other")
    assert "packet 1" in kept[1].refusal.detail
    assert sum(ingestion.refused) == 3
    call = ingestion.storage.call("c-1")
    assert (call.state, len(call.streams["main"].received)) == (CallState.COMPLETED, 2)
    assert ingestion.storage.packets[PacketKey("c-1", "main", 1)].data == b"first"
    assert ingestion.sizes[-1].entries == 0


async def test_what_the_database_itself_refuses_is_found_and_kept(ingestion: Ingestion) -> None:
    ingestion.units.is_down = True
    await ingestion.receive([packets(1), packets(2)])
    ingestion.units.is_down = False
    for _ in range(2):  # together, and then the first alone
        ingestion.storage.fail_next("save", BatchRefused("DataError"))
    await ingestion.catch_up()
    assert ingestion.reasons == ["BatchRefused"]
    assert ingestion.storage.packets.keys() == {PacketKey("c-1", "main", 2)}


async def test_entries_that_are_replayed_twice_do_no_harm(ingestion: Ingestion) -> None:
    """As after a crash: refusals are kept once, and what was stored is none though the call moved on."""
    await ingestion.start("c-1", None, None)
    ingestion.units.is_down = True
    await ingestion.send(1, 2)
    await ingestion.complete("c-1", {})
    await ingestion.complete("nobody", {})
    entries = list(ingestion.journal.entries)
    ingestion.units.is_down = False
    await ingestion.catch_up()
    call = ingestion.storage.call("c-1")
    call.begin_run(ingestion.storage.clock.now)
    ingestion.storage.put(call)
    ingestion.journal.entries = [*entries]
    ingestion.spool.spool_again()
    ingestion.units.is_down = True
    await ingestion.send(3)
    ingestion.units.is_down = False
    await ingestion.catch_up()
    assert ingestion.reasons == ["UnknownCall", "CallClosed"]
    assert list(ingestion.refusals.kept.values())[1].refusal.entry.command == packets(3)


async def test_a_spool_that_cannot_take_more_refuses_and_takes_again_when_it_can(
    ingestion: Ingestion,
) -> None:
    ingestion.units.is_down = True
    took = [ingestion.spool.takes]
    ingestion.journal.troubles.append(SpoolUnavailable("full"))
    with pytest.raises(SpoolUnavailable):
        await ingestion.send(1)
    took.append(ingestion.spool.takes)
    assert await ingestion.send(1) is SPOOLED
    took.append(ingestion.spool.takes)
    assert took == [True, False, True]
    ingestion.units.is_down = False
    await ingestion.catch_up()
    assert isinstance(await ingestion.send(1), DeliveryReceipt)


async def test_a_full_spool_that_holds_nothing_leads_back_to_the_database(ingestion: Ingestion) -> None:
    ingestion.units.is_down = True
    ingestion.journal.troubles.append(SpoolUnavailable("full"))
    with pytest.raises(SpoolUnavailable):
        await ingestion.send(1)
    ingestion.units.is_down = False
    await ingestion.catch_up()
    assert isinstance(await ingestion.send(1), DeliveryReceipt)


async def test_what_is_wrong_in_itself_is_refused_while_the_database_is_away(ingestion: Ingestion) -> None:
    ingestion.units.is_down = True
    with pytest.raises(InvalidValue):
        await ingestion.start("c-1", None, {"": "no key"})
    with pytest.raises(InvalidValue):
        await ingestion.complete("c-1", {f"s{number}": 1 for number in range(300)})
    assert ingestion.journal.commands == []


async def test_what_others_left_comes_before_what_is_new(ingestion: Ingestion) -> None:
    ingestion.journal.left_by_others.append(Start("c-1", MULAW, None))
    async with ingestion.replaying():
        await until(lambda: not ingestion.journal.left_by_others)
        await ingestion.send(1, data="//8=")
        await until(lambda: not ingestion.spool.is_spooling)
    assert ingestion.storage.call("c-1").media == MULAW


async def test_what_an_earlier_process_left_comes_before_anything(
    ingestion: Ingestion, journal: FakeJournal
) -> None:
    await journal.append([Start("c-1", MULAW, None)])
    ingestion.spool.open()
    assert await ingestion.send(1, data="//8=") is SPOOLED
    await ingestion.catch_up()
    assert ingestion.storage.call("c-1").media == MULAW


async def test_refusals_are_listed_by_the_page(ingestion: Ingestion) -> None:
    ingestion.units.is_down = True
    for number in range(5):
        await ingestion.complete(f"nobody-{number}", {})
    ingestion.units.is_down = False
    await ingestion.catch_up()
    queries = SpoolRefusals(ingestion.refusals)
    after: RefusalPosition | None = None
    pages = []
    while True:
        kept, after = await queries.newest(after, 2)
        pages.append([each.refusal.entry.command.call_id for each in kept])
        if after is None:
            break
    assert pages == [["nobody-4", "nobody-3"], ["nobody-2", "nobody-1"], ["nobody-0"]]


async def test_a_completion_waits_until_other_processes_have_caught_up(ingestion: Ingestion) -> None:
    """Or packets of the call that they hold would come too late. It is not spooled where they soon have."""
    await ingestion.start("c-1", None, None)
    ingestion.journal.others_oldest_at = 0
    completing = asyncio.create_task(ingestion.complete("c-1", {}))
    await asyncio.sleep(DATABASE_SECONDS / 3)
    assert not completing.done()
    ingestion.journal.others_oldest_at = None
    assert not isinstance(await completing, Spooled)
    assert not ingestion.spool.is_spooling


async def test_a_packet_starts_no_call_whose_init_another_process_may_hold(ingestion: Ingestion) -> None:
    """It is spooled where that takes long; packets of calls that are known go on."""
    await ingestion.start("c-1", None, None)
    ingestion.journal.others_oldest_at = 0
    assert isinstance(await ingestion.send(1), DeliveryReceipt)
    unknown = Delivery("c-2", (IncomingPacket("c-2", "main", 1, 1.5, "hi"),))
    assert await ingestion.receive([unknown]) == [SPOOLED]
    assert "c-2" not in ingestion.storage.calls


async def test_the_replay_lets_what_is_older_elsewhere_go_first(ingestion: Ingestion) -> None:
    """What need not wait goes ahead, and is removed, for others may wait for it in turn."""
    await ingestion.start("c-1", None, None)
    ingestion.units.is_down = True
    await ingestion.send(1)
    await ingestion.receive([Delivery("c-2", (IncomingPacket("c-2", "main", 1, 1.5, "hi"),))])
    await ingestion.complete("c-1", {})
    ingestion.units.is_down = False
    ingestion.journal.others_oldest_at = 0.5
    async with ingestion.replaying():
        await until(lambda: len(ingestion.journal.entries) == 2)
        await asyncio.sleep(0.05)
        assert PacketKey("c-1", "main", 1) in ingestion.storage.packets
        assert "c-2" not in ingestion.storage.calls
        ingestion.journal.others_oldest_at = 1.5  # younger than the packet, older than the completion
        await until(lambda: len(ingestion.journal.entries) == 1)
        await asyncio.sleep(0.05)
        assert ingestion.storage.call("c-1").state is CallState.IN_PROGRESS
        ingestion.journal.others_oldest_at = 3
        await until(lambda: not ingestion.spool.is_spooling)
    assert ingestion.storage.call("c-1").state is CallState.COMPLETED
    assert ingestion.reasons == []

"""A batch of packets: what one of them meets never touches another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from application.errors import (
    CallStartedElsewhere,
    OutcomeUnknown,
    Overloaded,
    RoomMade,
    StorageUnavailable,
    TryAgain,
)
from application.receive_packets import ReceivePackets
from domain.call import Call
from domain.delivery import Delivery, DeliveryReceipt, StreamStanding
from domain.errors import CallClosed, DeliveryRefused, InvalidValue, SequenceConflict, TrunklineError
from domain.packet import IncomingPacket, PacketKey
from tests.deliveries import Receipt, ReceiptStatus, alone, receipt_of
from tests.fakes.storage import InMemoryStorage, Step
from tests.fakes.unit_of_work import FakeUnitsOfWork

Receive = Callable[[Sequence[IncomingPacket]], Awaitable[list[Receipt | TrunklineError]]]
"""Have packets received, each a delivery of its own."""

ACCEPTED, DUPLICATE = ReceiptStatus.ACCEPTED, ReceiptStatus.DUPLICATE


@pytest.fixture
def receive(units: FakeUnitsOfWork) -> Receive:
    use_case = ReceivePackets(units)

    async def each_alone(packets: Sequence[IncomingPacket]) -> list[Receipt | TrunklineError]:
        outcomes = await use_case([alone(packet) for packet in packets])
        return [
            receipt_of(packet, outcome) if isinstance(outcome, DeliveryReceipt) else outcome
            for packet, outcome in zip(packets, outcomes, strict=True)
        ]

    return each_alone


def sent(sequence: int, data: str = "hello", *, call_id: str = "c-1", stream: str = "main") -> IncomingPacket:
    return IncomingPacket(call_id, stream, sequence, 1.5, data)


def kinds(outcomes: list[Receipt | TrunklineError]) -> list[object]:
    return [outcome.status if isinstance(outcome, Receipt) else type(outcome) for outcome in outcomes]


def duplicates(storage: InMemoryStorage) -> dict[str, int]:
    """As they are committed, by stream."""
    return {name: stream.duplicates for name, stream in storage.call("c-1").streams.items()}


def completed_call(storage: InMemoryStorage, **final_sequences: int) -> None:
    call = Call.start("c-1", storage.clock.now)
    call.complete(final_sequences, 2, storage.clock.now)
    storage.put(call)


async def test_the_first_packet_of_an_unknown_call_starts_it(
    receive: Receive, storage: InMemoryStorage
) -> None:
    (receipt,) = await receive([sent(3)])
    assert receipt == Receipt(ACCEPTED, "c-1", "main", 3, 4, ((1, 2),))
    assert storage.event_names("c-1") == ["call_started"]
    assert storage.packets[PacketKey("c-1", "main", 3)].data == b"hello"


async def test_outcomes_are_in_the_order_of_the_batch_and_a_bad_packet_fails_alone(
    receive: Receive, storage: InMemoryStorage
) -> None:
    outcomes = await receive(
        [
            sent(1),
            sent(1, stream="no such stream name"),
            sent(1, call_id="no such call id"),
            sent(2),
            sent(1, "NUL \0", call_id="c-2"),
            sent(2, call_id="c-2"),
        ]
    )
    assert kinds(outcomes) == [ACCEPTED, InvalidValue, InvalidValue, ACCEPTED, InvalidValue, ACCEPTED]
    assert set(storage.packets) == {("c-1", "main", 1), ("c-1", "main", 2), ("c-2", "main", 2)}
    assert storage.commits == 1


async def test_a_refused_packet_of_an_unknown_call_leaves_nothing(
    receive: Receive, storage: InMemoryStorage
) -> None:
    assert kinds(await receive([sent(1, "NUL \0")])) == [InvalidValue]
    assert storage.calls == {}
    assert storage.commits == 0


async def test_the_same_packet_twice_in_a_batch_is_a_duplicate(
    receive: Receive, storage: InMemoryStorage
) -> None:
    assert kinds(await receive([sent(1), sent(1), sent(1)])) == [ACCEPTED, DUPLICATE, DUPLICATE]
    assert len(storage.packets) == 1


async def test_the_same_number_with_other_data_in_a_batch_is_a_conflict_and_the_first_stays(
    receive: Receive, storage: InMemoryStorage
) -> None:
    outcomes = await receive([sent(1, "first"), sent(1, "second"), sent(1, "first")])
    assert kinds(outcomes) == [ACCEPTED, SequenceConflict, DUPLICATE]
    assert [packet.data for packet in storage.packets.values()] == [b"first"]


async def test_what_was_stored_before_is_a_duplicate_or_a_conflict(
    receive: Receive, storage: InMemoryStorage
) -> None:
    await receive([sent(1, "first")])
    assert kinds(await receive([sent(1, "first"), sent(1, "other"), sent(2)])) == [
        DUPLICATE,
        SequenceConflict,
        ACCEPTED,
    ]
    assert storage.packets[PacketKey("c-1", "main", 1)].data == b"first"


async def test_a_duplicate_of_data_that_is_no_longer_kept_is_still_one(
    receive: Receive, storage: InMemoryStorage
) -> None:
    await receive([sent(1, "first")])
    storage.packets.clear()
    assert kinds(await receive([sent(1, "first")])) == [DUPLICATE]


async def test_duplicates_are_counted_durably_though_nothing_else_came(
    receive: Receive, storage: InMemoryStorage
) -> None:
    await receive([sent(1), sent(1), sent(1, stream="agent")])
    await receive([sent(1), sent(1)])
    assert duplicates(storage) == {"main": 3, "agent": 0}
    assert storage.commits == 2


async def test_no_conflict_counts_as_a_duplicate(receive: Receive, storage: InMemoryStorage) -> None:
    await receive([sent(1)])
    assert kinds(await receive([sent(1, "other")])) == [SequenceConflict]
    assert duplicates(storage) == {"main": 0}
    assert storage.commits == 1


async def test_a_replay_counts_no_duplicates_and_writes_nothing_for_them(
    units: FakeUnitsOfWork, storage: InMemoryStorage
) -> None:
    """What is replayed may have been done before, by whoever died before it could say so."""
    replay = ReceivePackets(units, is_replay=True)
    for _ in range(2):
        await replay([alone(sent(1)), alone(sent(2))])
    assert duplicates(storage) == {"main": 0}
    assert storage.commits == 1


async def test_receipts_of_a_batch_show_what_was_missing_at_their_turn(receive: Receive) -> None:
    outcomes = await receive([sent(3), sent(1), sent(2)])
    assert [outcome.missing for outcome in outcomes if isinstance(outcome, Receipt)] == [
        ((1, 2),),
        ((2, 2),),
        (),
    ]


async def test_a_late_packet_of_a_completed_call_is_taken(receive: Receive, storage: InMemoryStorage) -> None:
    completed_call(storage)
    assert kinds(await receive([sent(1)])) == [ACCEPTED]


async def test_the_packet_that_was_still_missing_hastens_the_job(
    receive: Receive, storage: InMemoryStorage, units: FakeUnitsOfWork
) -> None:
    completed_call(storage, main=2)
    async with units() as unit:
        await unit.jobs.schedule("c-1", 2)
        await unit.commit()
    due = storage.jobs["c-1"].due
    await receive([sent(1)])
    assert storage.jobs["c-1"].due == storage.call("c-1").next_run_at == due
    storage.clock.advance(0.5)
    await receive([sent(2)])
    assert storage.jobs["c-1"].due == storage.call("c-1").next_run_at == storage.clock.now < due


async def test_a_call_that_the_ai_works_on_takes_no_more(receive: Receive, storage: InMemoryStorage) -> None:
    call = Call.start("c-1", storage.clock.now)
    call.complete({}, 0, storage.clock.now)
    call.begin_run(storage.clock.now)
    storage.put(call)
    assert kinds(await receive([sent(1), sent(1, call_id="c-2")])) == [CallClosed, ACCEPTED]


@pytest.mark.parametrize("step", ["begin", "lock", "save", "commit"])
@pytest.mark.parametrize("error", [StorageUnavailable(), OutcomeUnknown()])
async def test_trouble_with_the_storage_fails_the_batch_and_leaves_nothing(
    receive: Receive, storage: InMemoryStorage, step: Step, error: TryAgain
) -> None:
    storage.fail_next(step, error)
    with pytest.raises(type(error)):
        await receive([sent(1), sent(2)])
    assert (storage.calls, storage.packets) == ({}, {})


async def test_a_batch_whose_outcome_is_unknown_may_be_sent_again(
    receive: Receive, storage: InMemoryStorage
) -> None:
    """Whatever happened, it counts once; and as it came again, it is counted as that."""
    storage.fail_next("commit", OutcomeUnknown(), stored=True)
    with pytest.raises(OutcomeUnknown):
        await receive([sent(1), sent(2)])
    assert kinds(await receive([sent(1), sent(2)])) == [DUPLICATE, DUPLICATE]
    assert len(storage.packets) == 2
    assert duplicates(storage) == {"main": 2}


async def test_processes_that_start_the_same_call_at_once_both_store_their_packets(
    receive: Receive, storage: InMemoryStorage
) -> None:
    outcomes = await asyncio.gather(*(receive([sent(sequence)]) for sequence in range(1, 7)))
    assert [kinds(outcome) for outcome in outcomes] == [[ACCEPTED]] * 6
    assert list(storage.call("c-1").streams["main"].received.ranges()) == [(1, 6)]
    assert storage.event_names("c-1") == ["call_started"]


async def test_where_room_had_to_be_made_the_packets_are_stored_all_the_same(
    receive: Receive, storage: InMemoryStorage
) -> None:
    storage.skip("save", 1)  # the calls' own
    storage.fail_next("save", RoomMade())
    assert kinds(await receive([sent(1), sent(2)])) == [ACCEPTED, ACCEPTED]
    assert len(storage.packets) == 2
    assert storage.event_names("c-1") == ["call_started"]


async def test_races_that_are_lost_again_and_again_end(receive: Receive, storage: InMemoryStorage) -> None:
    for _ in range(5):
        storage.fail_next("save", CallStartedElsewhere())
    with pytest.raises(Overloaded):
        await receive([sent(1)])
    assert storage.calls == {}


def together(*packets: IncomingPacket) -> Delivery:
    return Delivery(packets[0].call_id, packets)


async def test_deliveries_of_many_packets_share_a_commit_and_each_gets_its_receipt(
    units: FakeUnitsOfWork, storage: InMemoryStorage
) -> None:
    outcomes = await ReceivePackets(units)(
        [
            together(sent(1), sent(2), sent(1, stream="agent")),
            together(sent(1, call_id="c-2"), sent(3, call_id="c-2")),
            together(sent(2), sent(3)),
        ]
    )
    assert outcomes == [
        DeliveryReceipt("c-1", 3, 0, (StreamStanding("main", 2, 3, ()), StreamStanding("agent", 1, 2, ()))),
        DeliveryReceipt("c-2", 2, 0, (StreamStanding("main", 3, 4, ((2, 2),)),)),
        DeliveryReceipt("c-1", 1, 1, (StreamStanding("main", 3, 4, ()),)),
    ]
    assert storage.commits == 1
    assert len(storage.packets) == 6


async def test_a_refused_delivery_leaves_nothing_and_its_neighbours_go_through(
    units: FakeUnitsOfWork, storage: InMemoryStorage
) -> None:
    """It is refused for what an earlier one of the same batch brought, and would have started a call."""
    outcomes = await ReceivePackets(units)(
        [
            together(sent(1), sent(2)),
            together(sent(3), sent(2, "other"), sent(4, "\0")),
            together(sent(1, call_id="c-2"), sent(2, "\0", call_id="c-2")),
            together(sent(3), sent(5)),
        ]
    )
    refusals = [outcome.refusals for outcome in outcomes if isinstance(outcome, DeliveryRefused)]
    assert [{place: type(why) for place, why in refused.items()} for refused in refusals] == [
        {1: SequenceConflict, 2: InvalidValue},
        {1: InvalidValue},
    ]
    assert [isinstance(outcome, DeliveryReceipt) for outcome in outcomes] == [True, False, False, True]
    assert storage.calls.keys() == {"c-1"}
    assert list(storage.call("c-1").streams["main"].received.ranges()) == [(1, 3), (5, 5)]
    assert sorted(key.sequence for key in storage.packets) == [1, 2, 3, 5]


async def test_a_delivery_is_compared_with_what_was_stored_before(
    units: FakeUnitsOfWork, storage: InMemoryStorage
) -> None:
    receive = ReceivePackets(units)
    await receive([together(sent(1), sent(2))])
    (refused,) = await receive([together(sent(1), sent(2, "other"), sent(3))])
    assert isinstance(refused, DeliveryRefused)
    assert list(refused.refusals) == [1]
    (receipt,) = await receive([together(sent(1), sent(2), sent(3))])
    assert isinstance(receipt, DeliveryReceipt)
    assert (receipt.accepted, receipt.duplicates) == (1, 2)
    assert storage.commits == 2


async def test_deliveries_of_duplicates_alone_commit_their_count(
    units: FakeUnitsOfWork, storage: InMemoryStorage
) -> None:
    receive = ReceivePackets(units)
    for _ in range(2):
        await receive([together(sent(1), sent(2))])
    assert duplicates(storage) == {"main": 2}
    assert storage.commits == 2


async def test_a_refused_delivery_commits_no_count(units: FakeUnitsOfWork, storage: InMemoryStorage) -> None:
    receive = ReceivePackets(units)
    await receive([together(sent(1), sent(2))])
    await receive([together(sent(1), sent(2, "other"))])
    assert duplicates(storage) == {"main": 0}
    assert storage.commits == 1

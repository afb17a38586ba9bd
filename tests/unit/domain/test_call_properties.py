"""A call driven through thousands of interleavings, and held against a simple model at each step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import attrs
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.analysis import Failure, FailureReason, Transcript
from domain.audio_stream import AudioStream
from domain.call import Call
from domain.call_state import CallState
from domain.delivery import Delivery
from domain.errors import (
    CallClosed,
    CallDiffers,
    DeliveryRefused,
    IllegalTransition,
    InvalidValue,
    RunSuperseded,
    SequenceConflict,
    TrunklineError,
)
from domain.events import RecordedEvent
from domain.packet import MAX_SEQUENCE, IncomingPacket
from domain.sequence_set import SequenceSet
from tests.deliveries import ReceiptStatus, receive
from tests.unit.domain.call_model import TRANSITIONS, CallModel
from tests.unit.domain.example_calls import ANALYSIS, START, UNAVAILABLE, after, packet, snapshot

DELAYS_SECONDS = [10.0, 30.0]

streams = st.sampled_from(["main", "agent#2"])
sequences = st.integers(0, 6) | st.sampled_from([9, 80, MAX_SEQUENCE])
spread_sequences = st.lists(st.integers(1, 60).map(lambda half: 2 * half), min_size=1, max_size=40)
data = st.sampled_from(["hello", "other", ""])
deliveries = st.lists(
    st.builds(packet, st.integers(0, 20), st.sampled_from(["hello"] * 9 + ["other", "a\0b"]), streams),
    min_size=1,
    max_size=12,
)
ends: st.SearchStrategy[dict[str, int]] = st.just({}) | st.fixed_dictionaries(
    {"main": st.integers(0, 6)}, optional={"agent#2": st.integers(0, 6)}
)
words = st.sampled_from(["one", "two"])
stale_runs = st.sampled_from([0, 0, 0, 0, 1, 2, -1])
"""How many runs ago the writer's run began; 0 is the current one, -1 one that never was."""


class CallMachine(RuleBasedStateMachine):
    """Time passes by a second at each step."""

    @initialize(state=st.sampled_from(CallState))
    def start(self, state: CallState) -> None:
        """By the machine's own moves, so that no part of a call's life is too far away to be searched."""
        self.call = Call.start("c-1", START)
        self.model = CallModel()
        self.history: list[RecordedEvent] = []
        self.now_seconds = 0.0
        if state is not CallState.IN_PROGRESS:
            self.complete({"main": 2, "agent#2": 1}, 9)
        if state not in {CallState.IN_PROGRESS, CallState.COMPLETED}:
            self.begin_run()
        if state is CallState.ARCHIVED:
            self.archive(0)
        if state is CallState.FAILED:
            self.fail(0)

    def tick(self) -> float:
        self.now_seconds += 1
        return self.now_seconds

    def refused(self, error: type[TrunklineError], action: Callable[[], object]) -> None:
        """A refused operation leaves the call exactly as it was."""
        before = snapshot(self.call)
        with pytest.raises(TrunklineError) as refusal:
            action()
        assert refusal.type is error
        assert snapshot(self.call) == before

    def unchanged(self, action: Callable[[], object]) -> None:
        before = snapshot(self.call)
        action()
        assert snapshot(self.call) == before

    # -- the PBX -------------------------------------------------------------------------------

    @rule(stream=streams, sequence=sequences, data=data, is_kept=st.booleans())
    def receive(self, stream: str, sequence: int, data: str, is_kept: bool) -> None:
        now = self.tick()
        known = self.model.data_of(stream, sequence)
        stored = known.encode() if known is not None and is_kept else None
        incoming = packet(sequence, data, stream)
        if not self.model.is_open:
            self.refused(CallClosed, lambda: receive(self.call, incoming, stored))
        elif stored is not None and known != data:
            self.refused(SequenceConflict, lambda: receive(self.call, incoming, stored))
        elif known is not None:
            self.model.sent_again.append(stream)
            before = snapshot(self.call)
            self.check_receipt(incoming, stored, ReceiptStatus.DUPLICATE, now)
            assert snapshot(self.call) | {"streams": before["streams"]} == before
        else:
            self.model.receive(stream, sequence, data, now)
            self.check_receipt(incoming, stored, ReceiptStatus.ACCEPTED, now)

    @precondition(lambda self: self.model.is_open)
    @rule(stream=streams, sequences=spread_sequences)
    def receive_with_many_gaps(self, stream: str, sequences: list[int]) -> None:
        for sequence in sequences:
            self.receive(stream, sequence, "hello", True)

    def check_receipt(
        self, incoming: IncomingPacket, stored: bytes | None, status: ReceiptStatus, now: float
    ) -> None:
        receipt, to_store = receive(self.call, incoming, stored, after(now))
        assert receipt.status is status
        assert (receipt.call_id, receipt.stream, receipt.sequence) == incoming.key
        assert receipt.next_expected == self.model.next_expected(incoming.stream)
        assert receipt.missing == self.model.missing(incoming.stream)
        if status is ReceiptStatus.DUPLICATE:
            assert to_store is None
        else:
            assert to_store is not None
            assert (to_store.key, to_store.data) == (incoming.key, str(incoming.data).encode())

    @rule(sent=deliveries, kept=st.sets(streams), is_replay=st.booleans())
    def receive_together(self, sent: list[IncomingPacket], kept: set[str], is_replay: bool) -> None:
        """``kept`` are the streams whose data is still stored."""
        stored = {
            incoming.key: known.encode()
            for incoming in sent
            if incoming.stream in kept
            and (known := self.model.data_of(incoming.stream, incoming.sequence)) is not None
        }
        now = self.tick()
        expected, bad = self.outcomes(sent, kept)
        if bad:
            self.refused(
                DeliveryRefused if len(sent) > 1 else next(iter(bad.values())),
                lambda: self.call.receive(
                    Delivery("c-1", tuple(sent)), stored, after(now), is_replay=is_replay
                ),
            )
            return
        receipt, to_store = self.call.receive(
            Delivery("c-1", tuple(sent)), stored, after(now), is_replay=is_replay
        )
        again = Counter(incoming.stream for incoming in sent)
        again.subtract(incoming.stream for incoming in expected)
        if not is_replay:
            self.model.sent_again += again.elements()
        for incoming in expected:
            self.model.receive(incoming.stream, incoming.sequence, str(incoming.data), now)
        assert [(new.key, new.data) for new in to_store] == [
            (new.key, str(new.data).encode()) for new in expected
        ]
        assert (receipt.accepted, receipt.duplicates) == (len(expected), len(sent) - len(expected))
        assert [(found.stream, found.next_expected, found.missing) for found in receipt.streams] == [
            (name, self.model.next_expected(name), self.model.missing(name))
            for name in dict.fromkeys(incoming.stream for incoming in sent)
        ]

    def outcomes(
        self, sent: list[IncomingPacket], kept: set[str]
    ) -> tuple[list[IncomingPacket], dict[int, type[TrunklineError]]]:
        """Which are new, and which are refused for what, one by one."""
        seen: dict[tuple[str, int], object] = {}
        new: list[IncomingPacket] = []
        bad: dict[int, type[TrunklineError]] = {}
        for place, incoming in enumerate(sent):
            number = (incoming.stream, incoming.sequence)
            known = self.model.data_of(*number)
            held = seen.get(number, known if incoming.stream in kept else None)
            if not self.model.is_open:
                bad[place] = CallClosed
            elif incoming.data == "a\0b":
                bad[place] = InvalidValue
            elif held is not None and held != incoming.data:
                bad[place] = SequenceConflict
            elif known is None and number not in seen:
                seen[number] = incoming.data
                new.append(incoming)
        return new, bad

    @precondition(lambda self: self.model.is_open)
    @rule(incoming=st.sampled_from([packet(3, "a\0b"), packet(3, "\ud800"), packet(3, "hello", "no name")]))
    def receive_nonsense(self, incoming: IncomingPacket) -> None:
        self.refused(InvalidValue, lambda: receive(self.call, incoming, None))

    @rule()
    def start_again(self) -> None:
        self.unchanged(lambda: self.call.start_again(None, {}))
        self.refused(CallDiffers, lambda: self.call.start_again(None, {"to": "200"}))

    @rule(final_sequences=ends, settle=st.integers(0, 9))
    def complete(self, final_sequences: dict[str, int], settle: float) -> None:
        now = self.tick()
        if self.model.state != "IN_PROGRESS":
            self.unchanged(lambda: self.call.complete(final_sequences, settle, after(now)))
            return
        self.call.complete(final_sequences, settle, after(now))
        self.model.complete(final_sequences, settle, now)

    @rule(idle=st.integers(1, 9))
    def complete_if_idle(self, idle: float) -> None:
        now = self.tick()
        if self.model.is_idle(idle, now):
            assert self.call.complete_if_idle(idle, after(now))
            self.model.complete_as_idle(now)
        else:
            self.unchanged(lambda: self.call.complete_if_idle(idle, after(now)))

    @rule()
    def complete_with_nonsense(self) -> None:
        self.refused(InvalidValue, lambda: self.call.complete({"main": -1}, 2, START))

    @precondition(lambda self: self.model.is_open)
    @rule()
    def receive_what_is_missing_at_the_beginning(self) -> None:
        for stream, gaps in self.model.all_missing().items():
            for first, last in gaps:
                for sequence in range(first, min(last, 6) + 1):
                    self.receive(stream, sequence, "hello", True)
        self.hasten_if_whole()

    @rule()
    def hasten_if_whole(self) -> None:
        now, due = self.tick(), self.model.due_seconds
        is_earlier = self.model.state == "COMPLETED" and self.model.is_whole and due is not None and due > now
        assert self.call.hasten_if_whole(after(now)) is is_earlier
        if is_earlier:
            self.model.due_seconds = now

    # -- the AI --------------------------------------------------------------------------------

    @precondition(lambda self: self.model.run == 0)
    @rule()
    def write_before_any_run(self) -> None:
        self.refused(RunSuperseded, lambda: self.call.save_partial_transcript(0, "part-1", Transcript("one")))
        self.refused(RunSuperseded, lambda: self.call.save_transcript(0, Transcript("one"), START))
        self.refused(RunSuperseded, lambda: self.call.archive(0, ANALYSIS, START))
        self.refused(RunSuperseded, lambda: self.call.postpone(0, UNAVAILABLE, [], START))
        self.refused(RunSuperseded, lambda: self.call.hand_on(0, START))
        self.refused(RunSuperseded, lambda: self.call.fail(0, UNAVAILABLE, START))

    @rule()
    def begin_run(self) -> None:
        now = after(self.tick())
        if self.model.state in {"COMPLETED", "PROCESSING_AI"}:
            self.model.begin_run()
            assert self.call.begin_run(now) == self.model.run
        else:
            self.refused(IllegalTransition, lambda: self.call.begin_run(now))

    def written(self, run: int, write: Callable[[], None]) -> bool:
        """Whether the run may write, and then did."""
        if self.model.may_write(run):
            write()
            self.model.abandoned_runs = 0
            return True
        self.refused(RunSuperseded, write)
        return False

    @precondition(lambda self: self.model.run > 0)
    @rule(stale=stale_runs, part=st.sampled_from(["part-1", "part-2"]), text=words)
    def save_partial_transcript(self, stale: int, part: str, text: str) -> None:
        run = self.model.run - stale
        if self.written(run, lambda: self.call.save_partial_transcript(run, part, Transcript(text))):
            self.model.parts[part] = text

    @precondition(lambda self: self.model.run > 0)
    @rule(stale=stale_runs, text=words)
    def save_transcript(self, stale: int, text: str) -> None:
        run, now = self.model.run - stale, after(self.tick())
        is_repeated = self.model.transcript_is_current and self.model.transcript == text
        if (
            self.written(run, lambda: self.call.save_transcript(run, Transcript(text), now))
            and not is_repeated
        ):
            self.model.transcript, self.model.transcript_is_current, self.model.parts = text, True, {}
            self.model.happens()

    @precondition(lambda self: self.model.run > 0)
    @rule(stale=stale_runs)
    def archive(self, stale: int) -> None:
        run, now = self.model.run - stale, self.tick()
        if self.written(run, lambda: self.call.archive(run, ANALYSIS, after(now))):
            self.model.archived_seconds = now
            self.model.happens("ARCHIVED")

    @precondition(lambda self: self.model.run > 0)
    @rule(stale=stale_runs)
    def postpone(self, stale: int) -> None:
        run, now = self.model.run - stale, self.tick()
        failure = Failure(FailureReason.AI_UNAVAILABLE, f"run {run}")
        if self.written(run, lambda: self.call.postpone(run, failure, DELAYS_SECONDS, after(now))):
            self.model.postpone(failure.detail, DELAYS_SECONDS, now)

    @precondition(lambda self: self.model.run > 0)
    @rule(stale=stale_runs)
    def hand_on(self, stale: int) -> None:
        run, now = self.model.run - stale, self.tick()
        if self.written(run, lambda: self.call.hand_on(run, after(now))):
            self.model.due_seconds = now

    @rule()
    def abandon_run(self) -> None:
        now = self.tick()
        if self.model.is_running:
            is_set_aside = self.call.abandon_run(after(now))
            self.model.abandon(now)
            assert is_set_aside is (self.model.state == "FAILED")
        else:
            self.unchanged(lambda: self.call.abandon_run(after(now)))

    @rule()
    def kill_the_next_process_too(self) -> None:
        """A run that is begun, and then nothing: else three in a row would seldom be searched."""
        if self.model.state == "PROCESSING_AI":
            self.abandon_run()
        if self.model.state in {"COMPLETED", "PROCESSING_AI"}:
            self.begin_run()

    @precondition(lambda self: self.model.run > 0)
    @rule(stale=stale_runs)
    def fail(self, stale: int) -> None:
        run, now = self.model.run - stale, self.tick()
        failure = Failure(FailureReason.AI_REFUSED, f"run {run}")
        if self.written(run, lambda: self.call.fail(run, failure, after(now))):
            self.model.fail(failure.detail)

    @rule()
    def reprocess(self) -> None:
        now = self.tick()
        if self.model.state in {"ARCHIVED", "FAILED"}:
            self.call.reprocess(after(now))
            self.model.reprocess(now)
        else:
            self.refused(IllegalTransition, lambda: self.call.reprocess(after(now)))

    # -- storage -------------------------------------------------------------------------------

    @rule()
    def save(self) -> None:
        self.history += self.call.take_unsaved_events()
        assert self.call.take_unsaved_events() == []

    @rule()
    def save_and_load(self) -> None:
        self.save()
        loaded = {
            name: AudioStream(
                name, SequenceSet(stream.received.ranges()), stream.received_bytes, stream.duplicates
            )
            for name, stream in self.call.streams.items()
        }
        self.call = attrs.evolve(self.call, streams=loaded)

    # -- what always holds ---------------------------------------------------------------------

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        call, model = self.call, self.model
        assert call.state.value == model.state
        last = model.last_packet_seconds
        assert call.last_packet_at == (None if last is None else after(last))
        assert (call.runs, call.failed_runs) == (model.run, model.failed_runs)
        assert call.abandoned_runs == model.abandoned_runs
        assert call.is_suspect is (model.abandoned_runs >= 2)
        assert call.next_run_at == (None if model.due_seconds is None else after(model.due_seconds))
        assert (call.transcript and call.transcript.text) == model.transcript
        assert call.transcript_is_current is model.transcript_is_current
        assert {part: kept.text for part, kept in call.partial_transcripts.items()} == model.parts
        assert (call.failure and call.failure.detail) == model.failure
        assert call.archived_at == (None if model.archived_seconds is None else after(model.archived_seconds))

    @invariant()
    def received_what_the_model_received(self) -> None:
        assert self.call.streams.keys() == self.model.packets.keys()
        for name, packets in self.model.packets.items():
            stream = self.call.streams[name]
            assert len(stream.received) == len(packets)
            assert all(self.call.has(name, sequence) for sequence in packets)
            assert stream.received_bytes == sum(map(len, packets.values()))
            assert stream.duplicates == self.model.sent_again.count(name)
        assert self.call.missing() == self.model.all_missing()

    @invariant()
    def state_says_what_is_owed(self) -> None:
        call = self.call
        assert call.awaits_ai is (call.state in {CallState.COMPLETED, CallState.PROCESSING_AI})
        assert call.next_run_at is None or call.awaits_ai
        assert call.next_run_at is not None or call.state is not CallState.COMPLETED
        assert (call.completed_at is None) is (call.state is CallState.IN_PROGRESS)
        assert (call.archived_at is not None) is (call.state is CallState.ARCHIVED)
        assert (call.failure is not None) is (call.state is CallState.FAILED)

    @invariant()
    def history_is_numbered_without_gaps_over_legal_moves(self) -> None:
        events = [*self.history, *self.call._unsaved]
        states = [recorded.state.value for recorded in events]
        assert [recorded.version for recorded in events] == list(range(1, self.call.version + 1))
        assert states == self.model.states
        assert states[-1] == self.call.state.value
        assert {(old, new) for old, new in pairwise(states) if old != new} <= TRANSITIONS


TestCall = CallMachine.TestCase

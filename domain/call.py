"""The call: one method for each thing that can happen to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

import attrs

from domain.analysis import Analysis, Failure, FailureReason, Transcript
from domain.audio_stream import AudioStream, Gaps
from domain.call_state import AWAITING_AI, RECEIVING, TRANSITIONS, CallState
from domain.completeness import is_whole, missing
from domain.delivery import Delivery, DeliveryReceipt
from domain.errors import (
    CallClosed,
    CallDiffers,
    DeliveryRefused,
    IllegalTransition,
    InvalidValue,
    RunSuperseded,
    SequenceConflict,
    StreamLimitReached,
    TrunklineError,
)
from domain.events import (
    CallArchived,
    CallCompleted,
    CallEvent,
    CallFailed,
    CallStarted,
    CallTranscribed,
    CompletionReason,
    RecordedEvent,
    ReprocessRequested,
    RunFailed,
    RunStarted,
)
from domain.media_format import MediaFormat
from domain.metadata import checked_metadata
from domain.packet import IncomingPacket, Packet, PacketKey
from domain.stream_names import MAX_STREAMS, check_final_sequences, check_stream_name

CALL_ID: Final = re.compile(r"[A-Za-z0-9._:@-]{1,128}", re.ASCII)
ABANDONED_RUNS_OF_A_SUSPECT: Final = 2
ABANDONED_RUNS_OF_A_POISON: Final = 3


@attrs.define(kw_only=True, eq=False)
class Call:
    """A phone call, from its first packet to its archived transcript.

    Nothing here knows the time: every method that needs it takes ``at``, an aware datetime, and no
    ``at`` of a call is ever compared with a clock other than the one that gives them all.
    """

    call_id: str
    media: MediaFormat
    metadata: Mapping[str, str]
    started_at: datetime
    state: CallState = CallState.IN_PROGRESS
    completed_at: datetime | None = None
    archived_at: datetime | None = None
    streams: dict[str, AudioStream] = attrs.field(factory=dict)
    last_packet_at: datetime | None = None
    """When the latest packet came that was no duplicate."""
    final_sequences: Mapping[str, int] = attrs.field(factory=dict)

    next_run_at: datetime | None = None
    """When the next run may begin. None while one is going on, and where none is due."""
    runs: int = 0
    """Runs begun so far; the number of the latest is the fence for what it writes."""
    failed_runs: int = 0
    """Runs that gave up since the call was completed or last reprocessed."""
    abandoned_runs: int = 0
    """Runs in a row of which nothing came: each one's process died, or was taken for dead."""

    transcript: Transcript | None = None
    partial_transcripts: dict[str, Transcript] = attrs.field(factory=dict)
    """What is transcribed of a recording whose other parts are still to come, by part."""
    analysis: Analysis | None = None
    transcript_is_current: bool = False
    """False where the transcript is an earlier run's that a reprocessing is to replace."""
    failure: Failure | None = None

    version: int = 0
    _unsaved: list[RecordedEvent] = attrs.field(factory=list, init=False)

    # -- the PBX ---------------------------------------------------------------------------------

    @classmethod
    def start(
        cls,
        call_id: str,
        at: datetime,
        media: MediaFormat | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Call:
        """A new call. Raises InvalidValue."""
        if not CALL_ID.fullmatch(call_id):
            raise InvalidValue("call_id", "must be 1 to 128 of A-Z a-z 0-9 . _ : @ -")
        call = cls(
            call_id=call_id,
            media=media or MediaFormat(),
            metadata=checked_metadata(metadata or {}),
            started_at=at,
        )
        call._record(CallStarted(), at)
        return call

    def start_again(self, media: MediaFormat | None, metadata: Mapping[str, str] | None) -> None:
        """The PBX repeats its start. Raises CallDiffers unless it says what it said the first time."""
        if self.media != (media or MediaFormat()):
            raise CallDiffers(self.call_id, "media")
        if self.metadata != (metadata or {}):
            raise CallDiffers(self.call_id, "metadata")

    def has(self, stream: str, sequence: int) -> bool:
        """Whether a packet was received under this number."""
        known = self.streams.get(stream)
        return known is not None and sequence in known.received

    def received_before(self, delivery: Delivery) -> list[PacketKey]:
        """Of the delivery's packets those whose numbers are taken."""
        return [packet.key for packet in delivery.packets if self.has(packet.stream, packet.sequence)]

    def receive(
        self, delivery: Delivery, stored: Mapping[PacketKey, bytes], at: datetime, *, is_replay: bool = False
    ) -> tuple[DeliveryReceipt, list[Packet]]:
        """Take packets that were sent together: the receipt, and those to store, duplicates left out.

        ``stored`` is the data that was stored under their numbers; it counts only where :meth:`has` says
        that there is a packet, and a number that is not in it stands for data that is no longer kept.
        What is replayed may have been taken before, without anybody sending it again: then no duplicate of
        it counts.
        Raises what refuses a lone packet (CallClosed, SequenceConflict, InvalidValue,
        StreamLimitReached), and DeliveryRefused for several; the call is then as it was.
        """
        if self.state not in RECEIVING:
            raise self._closed_to(delivery)
        before = self._copies(delivery)
        refusals: dict[int, TrunklineError] = {}
        to_store: list[Packet] = []
        taken: dict[PacketKey, bytes] = {}

        def data_before(key: PacketKey) -> bytes | None:
            taken.update((packet.key, packet.data) for packet in to_store[len(taken) :])
            return taken.get(key, stored.get(key))

        for place, incoming in enumerate(delivery.packets):
            try:
                packet = self._take(incoming, data_before)
            except TrunklineError as refusal:
                refusals[place] = refusal
                continue
            if packet is not None:
                to_store.append(packet)
            elif not is_replay:
                self.streams[incoming.stream].add_duplicate()
        if refusals and len(delivery.packets) == 1:
            raise refusals[0]
        if refusals:
            self._put_back(delivery, before)
            raise DeliveryRefused(refusals)
        if to_store:
            self.last_packet_at = at
        return self._receipt(delivery, len(to_store)), to_store

    def _closed_to(self, delivery: Delivery) -> TrunklineError:
        closed = CallClosed(self.call_id, self.state)
        count = len(delivery.packets)
        return closed if count == 1 else DeliveryRefused(dict.fromkeys(range(count), closed))

    def _take(
        self, incoming: IncomingPacket, data_before: Callable[[PacketKey], bytes | None]
    ) -> Packet | None:
        """The packet to store, or None for a duplicate."""
        data = self.media.decode(incoming.data)
        if self.has(incoming.stream, incoming.sequence):
            before = data_before(incoming.key)
            if before is not None and before != data:
                raise SequenceConflict(self.call_id, incoming.stream, incoming.sequence)
            return None
        self._stream_to_fill(incoming.stream).add(incoming.sequence, len(data))
        return Packet(self.call_id, incoming.stream, incoming.sequence, incoming.timestamp, data)

    def _copies(self, delivery: Delivery) -> dict[str, AudioStream]:
        """To put back should a packet be refused after others were taken; a lone one comes after none."""
        if len(delivery.packets) == 1:
            return {}
        return {name: self.streams[name].copy() for name in delivery.streams if name in self.streams}

    def _put_back(self, delivery: Delivery, before: Mapping[str, AudioStream]) -> None:
        for name in delivery.streams:
            if name in before:
                self.streams[name] = before[name]
            else:
                self.streams.pop(name, None)

    def _receipt(self, delivery: Delivery, accepted: int) -> DeliveryReceipt:
        standings = tuple(self.streams[name].standing() for name in delivery.streams)
        return DeliveryReceipt(self.call_id, accepted, len(delivery.packets) - accepted, standings)

    def _stream_to_fill(self, name: str) -> AudioStream:
        stream = self.streams.get(name)
        if stream is None:
            check_stream_name("stream", name)
            if len(self.streams) >= MAX_STREAMS:
                raise StreamLimitReached("stream", f"a call has at most {MAX_STREAMS} streams")
            stream = self.streams[name] = AudioStream(name)
        return stream

    def complete(self, final_sequences: Mapping[str, int], settle_seconds: float, at: datetime) -> None:
        """The PBX says that the call is over. Harmless when it says so again.

        The first run is due once every packet up to the ``final_sequences`` (by stream) is there,
        and after ``settle_seconds`` at the latest. Raises InvalidValue.
        """
        check_final_sequences(final_sequences)
        if self.state is not CallState.IN_PROGRESS:
            return
        self.final_sequences = dict(final_sequences)
        self._complete(CompletionReason.REQUESTED, settle_seconds, at)
        self.hasten_if_whole(at)

    def complete_if_idle(self, idle_seconds: float, at: datetime) -> bool:
        """Complete a call of which nothing was heard for so long. True where that did it.

        It is not given time to settle: whatever was under way has had more of it already.
        """
        heard_at = self.last_packet_at or self.started_at
        if self.state is not CallState.IN_PROGRESS or at - heard_at < timedelta(seconds=idle_seconds):
            return False
        self._complete(CompletionReason.IDLE, 0, at)
        return True

    def _complete(self, reason: CompletionReason, settle_seconds: float, at: datetime) -> None:
        self.completed_at = at
        self.next_run_at = at + timedelta(seconds=settle_seconds)
        self._move_to(CallState.COMPLETED, CallCompleted(reason), at)

    def hasten_if_whole(self, at: datetime) -> bool:
        """Let the first run begin now if nothing is missing any more. True where that made it earlier."""
        if self.state is not CallState.COMPLETED or not is_whole(self.streams, self.final_sequences):
            return False
        if self.next_run_at is not None and self.next_run_at <= at:
            return False
        self.next_run_at = at
        return True

    def missing(self) -> dict[str, Gaps]:
        """The first gaps of each stream in which packets are missing."""
        return missing(self.streams, self.final_sequences)

    # -- the AI ----------------------------------------------------------------------------------

    @property
    def awaits_ai(self) -> bool:
        return self.state in AWAITING_AI

    def seconds_until_due(self, at: datetime) -> float:
        """How long until the next run may begin; 0 where it may now, or is going on."""
        return max(0.0, (self.next_run_at - at).total_seconds()) if self.next_run_at else 0.0

    def abandon_run(self, at: datetime) -> bool:
        """A run that is going on ends here, for nobody is at it any more. Harmless where there is none.

        True where there were so many in a row that the call is FAILED: it may be what ends its processes.
        """
        if not self._has_run_going_on:
            return False
        self.abandoned_runs += 1
        if self.abandoned_runs < ABANDONED_RUNS_OF_A_POISON:
            self.next_run_at = at
            return False
        why = f"{self.abandoned_runs} processes in a row ended while they worked on it"
        self._fail(self.runs, Failure(FailureReason.POISON, why), at)
        return True

    @property
    def is_suspect(self) -> bool:
        """Whether its next run should have no other suspect beside it, so that an end tells whose it was."""
        return self.abandoned_runs >= ABANDONED_RUNS_OF_A_SUSPECT

    @property
    def _has_run_going_on(self) -> bool:
        return self.state is CallState.PROCESSING_AI and self.next_run_at is None

    def begin_run(self, at: datetime) -> int:
        """Begin the next run, and take the call over from one that may still be going on.

        Returns the run's number, which everything that the run writes must show.
        """
        if self.state is not CallState.PROCESSING_AI:
            self._check_move(CallState.PROCESSING_AI, CallState.COMPLETED)
        self.runs += 1
        self.next_run_at = None
        self._move_to(CallState.PROCESSING_AI, RunStarted(self.runs), at)
        return self.runs

    def save_partial_transcript(self, run: int, part: str, transcript: Transcript) -> None:
        """Keep what was transcribed of one part of the recording. Raises RunSuperseded."""
        self._admit(run)
        self.partial_transcripts[part] = transcript

    def save_transcript(self, run: int, transcript: Transcript, at: datetime) -> None:
        """Keep the finished transcript; harmless when repeated. Raises RunSuperseded."""
        self._admit(run)
        if self.transcript_is_current and transcript == self.transcript:
            return
        self.transcript = transcript
        self.transcript_is_current = True
        self.partial_transcripts = {}
        self._record(CallTranscribed(run), at)

    def archive(self, run: int, analysis: Analysis, at: datetime) -> None:
        """The run is done. Raises RunSuperseded."""
        self._admit(run)
        self.analysis = analysis
        self.archived_at = at
        self._move_to(CallState.ARCHIVED, CallArchived(run), at)

    def postpone(
        self,
        run: int,
        failure: Failure,
        delays_seconds: Iterable[float],
        at: datetime,
        not_before_seconds: float = 0,
    ) -> None:
        """The run gave up: the next is due after its turn of ``delays_seconds``; after the last comes FAILED.

        ``not_before_seconds`` is how long the AI asked to be left alone. Raises RunSuperseded.
        """
        self._admit(run)
        self.failed_runs += 1
        delays = tuple(delays_seconds)
        if self.failed_runs > len(delays):
            self._fail(run, failure, at)
            return
        delay = max(delays[self.failed_runs - 1], not_before_seconds)
        self.next_run_at = at + timedelta(seconds=delay)
        self._record(RunFailed(run, failure.detail, self.next_run_at), at)

    def hand_on(self, run: int, at: datetime) -> None:
        """The run stops half-way, and another may go on at once. Raises RunSuperseded."""
        self._admit(run)
        self.next_run_at = at

    def fail(self, run: int, failure: Failure, at: datetime) -> None:
        """The run met what can never succeed. Raises RunSuperseded."""
        self._admit(run)
        self.failed_runs += 1
        self._fail(run, failure, at)

    def _fail(self, run: int, failure: Failure, at: datetime) -> None:
        self.failure = failure
        self._move_to(CallState.FAILED, CallFailed(run, failure.reason, failure.detail), at)

    def reprocess(self, at: datetime) -> None:
        """Have the AI work on the call again: all of it, or what a failed call still lacks."""
        self._check_move(CallState.PROCESSING_AI, CallState.ARCHIVED, CallState.FAILED)
        if self.state is CallState.ARCHIVED:
            self.transcript_is_current = False
            self.archived_at = None
            self.partial_transcripts = {}
        self.failure = None
        self.failed_runs = 0
        self.abandoned_runs = 0
        self.next_run_at = at
        self._move_to(CallState.PROCESSING_AI, ReprocessRequested(), at)

    # -- the rules -------------------------------------------------------------------------------

    def _check_move(self, wanted: CallState, *origins: CallState) -> None:
        if self.state not in origins or wanted not in TRANSITIONS[self.state]:
            raise IllegalTransition(self.call_id, self.state, wanted)

    def _admit(self, run: int) -> None:
        """Let the run write: whatever it has to write shows that it ended no process."""
        if not self._has_run_going_on or run != self.runs:
            raise RunSuperseded(self.call_id, run, self.runs)
        self.abandoned_runs = 0

    def _move_to(self, state: CallState, event: CallEvent, at: datetime) -> None:
        if state is not self.state and state not in TRANSITIONS[self.state]:
            raise IllegalTransition(self.call_id, self.state, state)
        self.state = state
        self._record(event, at)

    def _record(self, event: CallEvent, at: datetime) -> None:
        self.version += 1
        self._unsaved.append(RecordedEvent(self.version, at, self.state, event))

    def take_unsaved_events(self) -> list[RecordedEvent]:
        """What happened since the call was loaded; each event is handed out once."""
        events, self._unsaved = self._unsaved, []
        return events

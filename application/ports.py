"""What the use cases need from outside."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import date, datetime
from math import inf
from typing import Protocol

import attrs

from application.commands import Command
from domain.analysis import Analysis, FailureReason, Transcript
from domain.call import Call
from domain.call_state import CallState
from domain.events import RecordedEvent
from domain.packet import Packet, PacketKey


class CallRepository(Protocol):
    """The calls, within one unit of work."""

    async def lock(self, call_ids: Collection[str]) -> dict[str, Call]:
        """Lock and load those of the calls that exist; nobody else changes them until the unit ends."""
        ...

    async def save(self, calls: Collection[Call]) -> None:
        """Write the calls and their new events.

        A call that was not loaded is new; raises CallStartedElsewhere where another process was faster.
        """
        ...

    async def silent_since(self, at: datetime, most: int) -> Sequence[str]:
        """Ids of calls IN_PROGRESS that began by then and of which no packet came after it; unlocked.

        The oldest first, ``most`` of them at most.
        """
        ...


class PacketRepository(Protocol):
    """The packets, within one unit of work; their calls must be locked."""

    async def data_of(self, keys: Collection[PacketKey]) -> dict[PacketKey, bytes]:
        """The data of those of the packets that are stored."""
        ...

    async def add(self, packets: Sequence[Packet]) -> None:
        """Store packets that are not stored yet.

        The unit ends with RoomMade where there was no room for packets of the day on which a call started.
        """
        ...


class PacketDays(Protocol):
    """Packets are kept, and dropped, by the day on which their call started: a date in UTC.

    Every method may raise StorageUnavailable.
    """

    async def today(self) -> date:
        """By the storage's own clock, which says when calls start."""
        ...

    async def prepare(self, days: Collection[date]) -> None:
        """See to it that there is room for packets of these days. Harmless where there is."""
        ...

    async def kept(self) -> Sequence[date]:
        """The days for which there is room, and those that are not wholly dropped yet; oldest first."""
        ...

    async def states_of_calls(self, day: date, among: Collection[CallState]) -> set[CallState]:
        """Those ``among`` the states in which calls are that started on the day."""
        ...

    async def drop(self, day: date) -> bool:
        """Drop every packet of the day. False where there was no such day, or another process is at it."""
        ...


class JobQueue(Protocol):
    """The wake-ups for processing, within one unit of work. At most one job waits or runs for each call."""

    async def schedule(self, call_id: str, in_seconds: float) -> None:
        """See to it that the call has a job. Harmless where it has one, which is then left as it is."""
        ...

    async def hasten(self, call_id: str) -> None:
        """Make the call's waiting job due now."""
        ...

    async def calls_without_job(self, states: Collection[CallState], most: int) -> dict[str, float]:
        """Calls in these states that have no job, each with the seconds until its next run is due.

        0 where it is due already, or none is named.
        """
        ...


@attrs.frozen
class CallView:
    """A call and its history as they stood at one moment."""

    call: Call
    history: tuple[RecordedEvent, ...]


@attrs.frozen
class CallPosition:
    """A place in the list of calls, newest first."""

    started_at: datetime
    call_id: str


@attrs.frozen
class PacketPosition:
    """A place among a call's packets, by stream and sequence."""

    stream: str
    sequence: int


@attrs.frozen
class Wanted:
    """Which calls are wanted; None and no words: any.

    Each of the ``words`` must begin a word of the call's id, a value of its metadata, or its transcript.
    """

    state: CallState | None = None
    failure_reason: FailureReason | None = None
    words: Sequence[str] = ()


@attrs.frozen
class FailureGroup:
    """Calls that are FAILED for one reason.

    ``newest_at`` and ``example_detail`` are of the one that started last: when it failed, and why exactly.
    """

    reason: FailureReason
    count: int
    newest_at: datetime
    example_detail: str


@attrs.frozen
class PacketRun:
    """``count`` packets of a stream, numbered without a gap from ``first``, of ``byte_count`` bytes each."""

    first: int
    count: int
    byte_count: int


class CallReader(Protocol):
    """Reading without locks. Every method may raise StorageUnavailable."""

    async def find(self, call_id: str) -> CallView | None: ...

    async def newest(self, wanted: Wanted, after: CallPosition | None, limit: int) -> Sequence[Call]:
        """Calls, newest first, without their transcripts' segments and their partial transcripts."""
        ...

    async def failures(self) -> Sequence[FailureGroup]:
        """The largest group first."""
        ...

    async def packets(
        self, call_id: str, stream: str | None, after: PacketPosition | None, limit: int
    ) -> Sequence[Packet]:
        """Packets by stream and sequence: ``limit`` at most, and fewer where they are large."""
        ...

    async def packet_runs(self, call_id: str, stream: str) -> Sequence[PacketRun]:
        """Every packet of a stream, by sequence, in as few runs as can be."""
        ...


@attrs.frozen
class Backlog:
    """What waits. ``oldest_job_seconds`` is how long the job that has waited longest is overdue."""

    calls: Mapping[CallState, int]
    jobs_due: int
    jobs_scheduled: int
    jobs_running: int
    oldest_job_seconds: float


class BacklogReader(Protocol):
    async def backlog(self) -> Backlog:
        """Raises StorageUnavailable."""
        ...


@attrs.frozen
class RecordingPart:
    """A stretch of one channel of one stream, as a WAV file (16 bits, 16 kHz, mono).

    ``name`` is the same whenever the part is cut again from the same packets.
    """

    name: str
    stream: str
    start_seconds: float
    wav: bytes


class WavFile(Protocol):
    """A WAV file that is made while it is read."""

    @property
    def byte_count(self) -> int: ...

    @property
    def version(self) -> str | None:
        """Names these bytes, of this call and these streams, for ever. None while packets may still come."""
        ...

    def chunks(self, first_byte: int = 0, after_byte: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from ``first_byte`` to before ``after_byte``, or to the end. Raises StorageUnavailable.

        No more packets are read than these bytes are made of.
        """
        ...


@attrs.frozen
class StreamWaveform:
    """``peaks`` run over the whole call, from 0 to 1. ``gaps`` are where packets are missing, in seconds."""

    stream: str
    peaks: Sequence[float]
    gaps: Sequence[tuple[float, float]]


@attrs.frozen
class Waveform:
    duration_seconds: float
    streams: Sequence[StreamWaveform]


class Recordings(Protocol):
    """An audio call's packets as sound. Missing packets are silence. Raises StorageUnavailable."""

    def parts(self, call: Call, skip: Collection[str]) -> AsyncIterator[RecordingPart]:
        """The call in parts that a transcription service takes, without those whose names are in ``skip``."""
        ...

    async def wav(self, call: Call, stream: str | None = None) -> WavFile:
        """The whole call, one channel a stream, 16 bits at the call's own sample rate.

        Or one stream alone, in its place in the call, so that it is as long.
        """
        ...

    async def waveform(self, call: Call, points: int) -> Waveform:
        """The loudest sample of each of ``points`` stretches of the call, stream by stream."""
        ...


class Transcriber(Protocol):
    async def transcribe(self, part: RecordingPart, idempotency_key: str) -> Transcript:
        """The words of one part, with segment times counted from the call's start.

        Raises AIUnavailable, AIRefused.
        """
        ...


class Analyst(Protocol):
    async def analyse(self, transcript: Transcript, idempotency_key: str) -> Analysis:
        """Raises AIUnavailable, AIRefused."""
        ...


@attrs.frozen
class JournalEntry:
    """``entry_id`` is no other entry's, of any journal. ``at`` is when it came, in seconds since 1970."""

    entry_id: str
    at: float
    command: Command


@attrs.frozen
class JournalSize:
    """``oldest_at`` is when the oldest entry came, in seconds since 1970. None where there is none."""

    entries: int = 0
    byte_count: int = 0
    oldest_at: float | None = None


class Journal(Protocol):
    """Commands in the order in which they came, durable without the database."""

    @property
    def size(self) -> JournalSize:
        """What is in it, and what is on its way into it."""
        ...

    async def append(self, commands: Sequence[Command]) -> None:
        """Returns when they are durable, behind everything appended before. All of them or none.

        Raises SpoolUnavailable where there is no room, or they cannot be written.
        """
        ...

    async def oldest(self) -> Sequence[JournalEntry]:
        """The first entries: as many as make a fair transaction. Raises SpoolUnavailable."""
        ...

    async def remove(self, entries: Sequence[JournalEntry]) -> None:
        """Forget the first entries, as :meth:`oldest` gave them. Raises SpoolUnavailable."""
        ...

    async def adopt(self) -> None:
        """Take over what processes left that have ended; it is in order with what is in here."""
        ...

    def others_hold(self, before: float = inf) -> bool:
        """Whether the journal of another process, beside this one, holds something older than ``before``.

        Cheap, but not for every packet. Never true of two entries the other way round as well.
        """
        ...


@attrs.frozen
class Refusal:
    """An entry that was acknowledged and then, on replay, refused. ``reason`` is the error's name."""

    entry: JournalEntry
    reason: str
    detail: str


@attrs.frozen
class RefusalPosition:
    """A place in the list of refusals, newest first."""

    at: datetime
    entry_id: str


@attrs.frozen
class KeptRefusal:
    at: datetime
    refusal: Refusal


class Refusals(Protocol):
    """What was refused on replay, kept for a person to look at. Every method may raise StorageUnavailable."""

    async def keep(self, refusals: Sequence[Refusal]) -> None:
        """Harmless where one is kept already."""
        ...

    async def newest(self, after: RefusalPosition | None, limit: int) -> Sequence[KeptRefusal]: ...

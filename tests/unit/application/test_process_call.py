"""Runs of the AI over a call: nothing finished is done again, and nothing owed is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import attrs
import pytest

from application.errors import (
    AIError,
    AIRefused,
    AIUnavailable,
    BatchRefused,
    OutcomeUnknown,
    StorageUnavailable,
)
from application.ports import RecordingPart
from application.process_call import ProcessCall
from application.unit_of_work import refuse_inside_unit_of_work
from domain.analysis import Analysis, Failure, FailureReason, Sentiment, SentimentLabel, Transcript
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

DELAYS = (60.0, 300.0)
SECOND_OF_SOUND = b"\1\0" * 16_000
ANALYSIS = Analysis("They met.", Sentiment(SentimentLabel.POSITIVE, 0.5))
FIRST, SECOND = "main/0/0-1000", "main/0/1000-2000"


@attrs.define(eq=False)
class Processing:
    """The use case over fakes; ``recordings`` cuts a part every second."""

    storage: InMemoryStorage
    transcriber: FakeTranscriber = attrs.field(factory=FakeTranscriber)
    analyst: FakeAnalyst = attrs.field(factory=FakeAnalyst)
    recordings: FakeRecordings = attrs.field(factory=lambda: FakeRecordings(part_seconds=1))
    page_bytes: int = 8 * 1024 * 1024

    async def run(self, call_id: str = "c-1") -> float | None:
        process_call = ProcessCall(
            FakeUnitsOfWork(self.storage),
            FakeStorageReader(self.storage, self.page_bytes),
            self.recordings,
            self.transcriber,
            self.analyst,
            DELAYS,
            _no_call_is_set_aside,
            save_again_after_seconds=(0, 0, 0),
        )
        return await process_call(call_id)

    @property
    def call(self) -> Call:
        return self.storage.call("c-1")

    def ends(self, media: MediaFormat, data: Sequence[bytes]) -> None:
        """Have a completed call with these packets, whose first run is due."""
        now = self.storage.clock.now
        call = Call.start("c-1", now, media)
        for sequence, piece in enumerate(data, start=1):
            receive(call, IncomingPacket("c-1", "main", sequence, float(sequence), media.encode(piece)), None)
            packet = Packet("c-1", "main", sequence, float(sequence), piece)
            self.storage.packets[packet.key] = packet
            self.recordings.packets.append(packet)
        call.complete({}, 0, now)
        self.storage.put(call)


def _no_call_is_set_aside() -> None:
    raise AssertionError


@pytest.fixture
def processing(storage: InMemoryStorage) -> Processing:
    """A call of two seconds of sound, and so of two parts."""
    processing = Processing(storage)
    processing.ends(MediaFormat(Encoding.L16, 16_000, 1), [SECOND_OF_SOUND, SECOND_OF_SOUND])
    return processing


@pytest.fixture
def of_text(storage: InMemoryStorage) -> Processing:
    return Processing(storage)


async def test_a_call_is_transcribed_analysed_and_archived(processing: Processing) -> None:
    processing.transcriber.outcomes.extend(["Hello.", "Goodbye."])
    processing.analyst.outcomes.append(ANALYSIS)
    assert await processing.run() is None
    call = processing.call
    assert call.state is CallState.ARCHIVED
    assert call.transcript is not None
    assert call.transcript.text == "Hello.\nGoodbye."
    assert [segment.start_seconds for segment in call.transcript.segments] == [0.0, 1.0]
    assert call.analysis == ANALYSIS
    assert processing.storage.event_names("c-1") == [
        "call_started",
        "call_completed",
        "run_started",
        "call_transcribed",
        "call_archived",
    ]


async def test_a_call_that_nobody_waits_for_is_left_alone(processing: Processing) -> None:
    """Unknown, still going on, or archived already: an extra job does no harm."""
    assert await processing.run("nobody") is None
    processing.storage.put(Call.start("c-2", processing.storage.clock.now))
    assert await processing.run("c-2") is None
    await processing.run()
    version = processing.call.version
    assert await processing.run() is None
    assert processing.call.version == version


async def test_a_job_that_comes_early_comes_back_in_time(processing: Processing) -> None:
    call = processing.call
    call.next_run_at = processing.storage.clock.now + timedelta(seconds=7)
    processing.storage.put(call)
    assert await processing.run() == 7
    assert processing.call.runs == 0
    processing.storage.clock.advance(7)
    assert await processing.run() is None
    assert processing.call.state is CallState.ARCHIVED


@pytest.mark.parametrize("step", [0, 1, 2])
async def test_a_run_that_is_killed_is_taken_over_and_nothing_finished_is_repeated(
    processing: Processing, step: int
) -> None:
    """Killed while the first part, the second, or the analysis is under way."""
    await kill_at(processing, step)
    assert await processing.run() is None
    assert processing.call.state is CallState.ARCHIVED
    assert processing.call.runs == 2
    transcribed = [name for name, _ in processing.transcriber.asked]
    assert transcribed == [FIRST, SECOND]
    assert len(processing.analyst.asked) == 1
    assert processing.call.transcript is not None
    assert processing.call.transcript.text == f"what was said in {FIRST}\nwhat was said in {SECOND}"


async def kill_at(processing: Processing, step: int) -> None:
    """Run until the AI has been asked for the given step, and cancel then; that step was in vain."""
    service = AIThatHangs(processing.transcriber, processing.analyst, step)
    process_call = ProcessCall(
        FakeUnitsOfWork(processing.storage),
        FakeStorageReader(processing.storage),
        processing.recordings,
        service,
        service,
        DELAYS,
        _no_call_is_set_aside,
    )
    run = asyncio.create_task(process_call("c-1"))
    await service.hangs.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run


@attrs.define(eq=False)
class AIThatHangs:
    """Both services: the ``step``-th thing asked of them is never answered."""

    transcriber: FakeTranscriber
    analyst: FakeAnalyst
    step: int
    hangs: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def transcribe(self, part: RecordingPart, idempotency_key: str) -> Transcript:
        await self._hang_if_it_is_time()
        return await self.transcriber.transcribe(part, idempotency_key)

    async def analyse(self, transcript: Transcript, idempotency_key: str) -> Analysis:
        await self._hang_if_it_is_time()
        return await self.analyst.analyse(transcript, idempotency_key)

    async def _hang_if_it_is_time(self) -> None:
        refuse_inside_unit_of_work("asking the AI")
        if self.step == 0:
            self.hangs.set()
            await asyncio.Event().wait()
        self.step -= 1


async def test_each_finished_step_is_saved_before_the_next_begins(processing: Processing) -> None:
    await kill_at(processing, 1)
    assert set(processing.call.partial_transcripts) == {FIRST}
    await kill_at(processing, 1)  # the second part goes through, and the analysis hangs
    assert processing.call.transcript_is_current
    assert processing.call.partial_transcripts == {}
    assert processing.call.state is CallState.PROCESSING_AI


async def test_what_a_superseded_run_finds_is_not_kept(processing: Processing) -> None:
    """Its job is done with: the one that took over has its own."""
    processing.transcriber = TakenOverMeanwhile(processing.storage)
    assert await processing.run() is None
    call = processing.call
    assert (call.runs, call.state) == (2, CallState.PROCESSING_AI)
    assert call.partial_transcripts == {}
    assert processing.analyst.asked == []


class TakenOverMeanwhile(FakeTranscriber):
    def __init__(self, storage: InMemoryStorage) -> None:
        super().__init__()
        self._storage = storage

    async def transcribe(self, part: RecordingPart, idempotency_key: str) -> Transcript:
        call = self._storage.call("c-1")
        call.begin_run(self._storage.clock.now)
        self._storage.put(call)
        return await super().transcribe(part, idempotency_key)


async def test_a_run_that_gives_up_is_due_again_later_and_later_and_then_fails(
    processing: Processing,
) -> None:
    processing.transcriber.outcomes.extend(AIUnavailable(f"503 number {number}") for number in (1, 2, 3))
    for delay in DELAYS:
        assert await processing.run() == delay
        assert processing.call.state is CallState.PROCESSING_AI
        processing.storage.clock.advance(delay)
    assert await processing.run() is None
    assert processing.call.state is CallState.FAILED
    assert processing.call.failure == Failure(FailureReason.AI_UNAVAILABLE, "503 number 3")
    assert processing.storage.event_names("c-1")[2:] == [
        "run_started",
        "run_failed",
        "run_started",
        "run_failed",
        "run_started",
        "call_failed",
    ]


@pytest.mark.parametrize(("retry_after", "wait"), [(3_600.0, 3_600.0), (5.0, 60.0), (None, 60.0)])
async def test_a_run_waits_as_long_as_it_was_asked_to_where_that_is_longer(
    processing: Processing, retry_after: float | None, wait: float
) -> None:
    processing.analyst.outcomes.append(AIUnavailable("429", retry_after))
    assert await processing.run() == wait


@pytest.mark.parametrize("at", ["transcription", "analysis"])
async def test_what_the_ai_refuses_fails_at_once(processing: Processing, at: str) -> None:
    outcomes = processing.transcriber.outcomes if at == "transcription" else processing.analyst.outcomes
    outcomes.append(AIRefused("401"))
    assert await processing.run() is None
    assert processing.call.state is CallState.FAILED
    assert processing.call.failure == Failure(FailureReason.AI_REFUSED, "401")


async def test_after_a_failure_only_what_is_missing_is_done(processing: Processing) -> None:
    processing.analyst.outcomes.append(AIRefused("401"))
    await processing.run()
    call = processing.call
    call.reprocess(processing.storage.clock.now)
    processing.storage.put(call)
    assert await processing.run() is None
    assert processing.call.state is CallState.ARCHIVED
    assert len(processing.transcriber.asked) == 2


async def test_an_archived_call_that_is_reprocessed_is_done_anew(processing: Processing) -> None:
    await processing.run()
    call = processing.call
    call.reprocess(processing.storage.clock.now)
    processing.storage.put(call)
    processing.transcriber.outcomes.extend(["Other", "words"])
    assert await processing.run() is None
    assert processing.call.transcript is not None
    assert processing.call.transcript.text == "Other\nwords"


@pytest.mark.parametrize(
    ("media", "data"),
    [(MediaFormat(Encoding.L16, 16_000, 1), SECOND_OF_SOUND), (MediaFormat(), b"Hello.")],
    ids=["audio", "text"],
)
async def test_a_call_whose_packets_are_gone_fails_and_keeps_what_it_had(
    storage: InMemoryStorage, media: MediaFormat, data: bytes
) -> None:
    """Rather than being transcribed as a call in which nothing was said."""
    processing = Processing(storage)
    processing.ends(media, [data])
    await processing.run()
    before = processing.call
    assert before.state is CallState.ARCHIVED
    before.reprocess(processing.storage.clock.now)
    processing.storage.put(before)
    drop_packets(processing)
    assert await processing.run() is None
    call = processing.call
    assert call.state is CallState.FAILED
    assert call.failure is not None
    assert call.failure.reason is FailureReason.AUDIO_DROPPED
    assert (call.transcript, call.analysis) == (before.transcript, before.analysis)
    assert call.transcript is not None
    assert len(processing.analyst.asked) == 1


async def test_parts_that_were_transcribed_before_the_rest_was_dropped_are_no_transcript(
    processing: Processing,
) -> None:
    processing.transcriber.outcomes.extend(["Hello.", AIUnavailable("busy")])
    assert await processing.run() == DELAYS[0]
    drop_packets(processing)
    processing.storage.clock.advance(DELAYS[0])
    assert await processing.run() is None
    assert processing.call.failure is not None
    assert processing.call.failure.reason is FailureReason.AUDIO_DROPPED
    assert processing.call.transcript is None


async def test_what_was_transcribed_before_is_analysed_without_packets(processing: Processing) -> None:
    processing.analyst.outcomes.append(AIUnavailable("busy"))
    assert await processing.run() == DELAYS[0]
    drop_packets(processing)
    processing.storage.clock.advance(DELAYS[0])
    assert await processing.run() is None
    assert processing.call.state is CallState.ARCHIVED


def drop_packets(processing: Processing) -> None:
    processing.storage.packets.clear()
    processing.recordings.packets.clear()


async def test_a_fault_of_our_own_costs_the_call_a_run_not_its_schedule(processing: Processing) -> None:
    processing.analyst = Broken()
    assert await processing.run() == DELAYS[0]
    processing.storage.clock.advance(DELAYS[0])
    assert await processing.run() == DELAYS[1]
    processing.storage.clock.advance(DELAYS[1])
    assert await processing.run() is None
    assert processing.call.failure == Failure(FailureReason.INTERNAL_ERROR, "ZeroDivisionError")


class Broken(FakeAnalyst):
    async def analyse(self, transcript: Transcript, idempotency_key: str) -> Analysis:
        raise ZeroDivisionError


@pytest.mark.parametrize("outcome", [ANALYSIS, AIRefused("401")])
async def test_a_result_that_the_database_refuses_costs_a_run_too(
    processing: Processing, outcome: Analysis | AIError
) -> None:
    """Else the call would be begun again every minute for ever, and paid for each time."""
    processing.analyst.outcomes.append(outcome)
    processing.storage.skip("save", 4)  # the run, two parts, the transcript
    processing.storage.fail_next("save", BatchRefused())
    assert await processing.run() == DELAYS[0]
    assert processing.call.failed_runs == 1


async def test_keys_are_the_same_for_a_step_of_a_run_and_differ_otherwise(processing: Processing) -> None:
    """So a provider can tell the repetition of a request from another one."""
    await kill_at(processing, 2)
    await processing.run()
    keys = [key for _, key in [*processing.transcriber.asked, *processing.analyst.asked]]
    assert keys == [
        f"c-1:1:transcription:{FIRST}",
        f"c-1:1:transcription:{SECOND}",
        "c-1:2:analysis",
    ]


@pytest.mark.parametrize("saves_before", range(1, 5))
@pytest.mark.parametrize(
    ("error", "stored"), [(StorageUnavailable(), False), (OutcomeUnknown(), False), (OutcomeUnknown(), True)]
)
async def test_a_step_that_could_not_be_saved_is_saved_again_not_done_again(
    processing: Processing, saves_before: int, error: StorageUnavailable | OutcomeUnknown, stored: bool
) -> None:
    """Whichever step it was, and whether the storage had kept it or not."""
    processing.storage.skip("commit", saves_before)
    processing.storage.fail_next("commit", error, stored=stored)
    assert await processing.run() is None
    assert processing.call.state is CallState.ARCHIVED
    assert [name for name, _ in processing.transcriber.asked] == [FIRST, SECOND]
    assert len(processing.analyst.asked) == 1
    versions = [recorded.version for recorded in processing.storage.events["c-1"]]
    assert versions == [1, 2, 3, 4, 5]


async def test_a_database_that_stays_away_ends_the_run_and_the_next_takes_over(
    processing: Processing,
) -> None:
    processing.storage.skip("begin", 1)
    for _ in range(4):
        processing.storage.fail_next("begin", StorageUnavailable())
    with pytest.raises(StorageUnavailable):
        await processing.run()
    assert processing.call.failed_runs == 0
    assert await processing.run() is None
    assert processing.call.state is CallState.ARCHIVED


async def test_the_text_of_a_text_call_is_its_transcript(of_text: Processing) -> None:
    """In order, page by page, and nobody is asked to hear it."""
    of_text.page_bytes = 4
    of_text.ends(MediaFormat(), ["Grüße, ".encode(), "世界".encode(), b"!"])
    assert await of_text.run() is None
    assert of_text.call.transcript == Transcript("Grüße, 世界!")
    assert of_text.transcriber.asked == []
    assert len(of_text.analyst.asked) == 1


@pytest.mark.parametrize("data", [[], [b"  ", b"\n"]])
async def test_where_nothing_was_said_nobody_is_asked_what_it_means(
    of_text: Processing, data: list[bytes]
) -> None:
    of_text.ends(MediaFormat(), data)
    assert await of_text.run() is None
    assert of_text.call.state is CallState.ARCHIVED
    assert of_text.call.transcript is not None
    assert of_text.call.transcript.reason
    assert of_text.call.analysis == Analysis.of_nothing_said()
    assert of_text.analyst.asked == []


async def test_silence_is_a_result_too(processing: Processing) -> None:
    processing.transcriber.outcomes.extend(["", ""])
    assert await processing.run() is None
    assert processing.call.transcript == Transcript("", (), "no speech was recognised")
    assert processing.analyst.asked == []


async def test_packets_that_cannot_be_read_now_cost_the_call_no_run(of_text: Processing) -> None:
    of_text.ends(MediaFormat(), [b"hello"])
    of_text.storage.fail_next("read", StorageUnavailable())
    with pytest.raises(StorageUnavailable):
        await of_text.run()
    assert of_text.call.failed_runs == 0
    assert await of_text.run() is None
    assert of_text.call.state is CallState.ARCHIVED

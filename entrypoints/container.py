"""The composition root: the only place that knows everything."""

from __future__ import annotations

from collections.abc import Callable

import aiohttp
import asyncpg
from dependency_injector import containers, providers

from adapters.ai.analysis import OpenAIAnalyst
from adapters.ai.provider import AIProvider
from adapters.ai.provider_client import AIAttempt
from adapters.ai.reachability import AIReachability
from adapters.ai.transcription import OpenAITranscriber
from adapters.audio.recordings import PacketRecordings
from adapters.jobs.job_executor import ProcessCallExecutor
from adapters.jobs.job_queue import PgQueuerJobQueue
from adapters.jobs.job_runner import JobRunner
from adapters.jobs.task_runner import TaskRunner
from adapters.metrics.prometheus import PrometheusMetrics
from adapters.postgres.call_changes import PostgresCallChanges
from adapters.postgres.call_reader import PostgresCallReader
from adapters.postgres.health import ask_database, ask_schema
from adapters.postgres.lanes import lane_of
from adapters.postgres.live_calls import PostgresLiveCalls
from adapters.postgres.own_changes import OwnCallChanges
from adapters.postgres.packet_days import PostgresPacketDays
from adapters.postgres.refusals import PostgresRefusals
from adapters.postgres.reprocess_batches import PostgresReprocessBatches
from adapters.postgres.unit_of_work import PostgresUnitsOfWork
from adapters.spool.journal import SqliteJournal
from application.call_feed import CallFeed
from application.call_queries import CallQueries
from application.complete_call import CompleteCall
from application.complete_idle_calls import CompleteIdleCalls
from application.drop_audio import DropAudio
from application.group_commit import GroupCommit
from application.ingest_or_spool import CompleteOrSpool, ReceiveOrSpool, StartOrSpool
from application.live_overview import LiveOverview
from application.prepare_days import PrepareDays
from application.process_call import ProcessCall
from application.receive_packets import ReceivePackets
from application.reconcile_jobs import ReconcileJobs
from application.replay_spool import ReplaySpool
from application.reprocess_call import ReprocessCall
from application.reprocess_many import ReprocessMany
from application.spool import Spool, Spooled
from application.spool_refusals import SpoolRefusals
from application.start_call import StartCall
from application.stored_packets import AreStored
from domain.audio_retention import AudioRetention
from domain.delivery import Delivery, DeliveryReceipt
from entrypoints.http.application import api_application, health_application
from entrypoints.http.feed import FeedHandlers
from entrypoints.http.feed_encoding import FeedChunk, encode
from entrypoints.http.health import Check, HealthHandlers, Readiness, Weight
from entrypoints.http.ingestion import IngestionHandlers
from entrypoints.http.packet_socket import PacketSocketHandlers
from entrypoints.http.reading import ReadingHandlers
from entrypoints.http.spool_refusals import SpoolRefusalHandlers
from entrypoints.http.supervision import SupervisionHandlers
from entrypoints.settings import Settings

FLUSHERS = 2
LARGEST_BATCH = 500
SOCKET_BYTES_HELD = 64 * 1024 * 1024


def _provider(settings: Settings) -> AIProvider:
    assert settings.ai_base_url is not None, "asked for only where an AI is configured"
    return AIProvider(
        base_url=settings.ai_base_url,
        api_key=settings.ai_api_key,
        transcription_model=settings.ai_transcription_model,
        analysis_model=settings.ai_analysis_model,
        transcription_response_format=settings.ai_transcription_format,
        timeout_seconds=settings.ai_timeout_seconds,
        retry_attempts=settings.ai_retry_attempts,
        retry_wait_seconds=settings.ai_retry_wait_seconds,
    )


def _recordings(reader: PostgresCallReader, settings: Settings) -> PacketRecordings:
    return PacketRecordings(reader, int(settings.ai_max_upload_megabytes * 1_000_000))


def _deliveries(
    receive: ReceiveOrSpool, metrics: PrometheusMetrics, settings: Settings
) -> GroupCommit[Delivery, DeliveryReceipt | Spooled]:
    return GroupCommit(
        receive,
        flushers=FLUSHERS,
        lane_of=lane_of,
        lanes_per_commit=settings.lanes_per_commit,
        capacity=settings.ingest_queue,
        largest_batch=LARGEST_BATCH,
        size_of=lambda delivery: len(delivery.packets),
        on_batch=metrics.batch_committed,
    )


def _feed(
    changes: OwnCallChanges,
    live: PostgresLiveCalls,
    metrics: PrometheusMetrics,
    spool: Spool,
    settings: Settings,
) -> CallFeed[FeedChunk]:
    overview = LiveOverview(live, live, metrics, spool, settings.ai_base_url is not None)
    return CallFeed(changes, overview, encode, lambda chunk: chunk.byte_count)


def _journal(settings: Settings) -> SqliteJournal:
    return SqliteJournal(settings.data_dir / "spool", int(settings.spool_max_megabytes * 1_000_000))


def _unless_others_hold(journal: SqliteJournal) -> Callable[[], bool]:
    return lambda: not journal.others_hold()


def _retention(settings: Settings) -> AudioRetention | None:
    return AudioRetention(settings.audio_retention_days) if settings.audio_retention_days else None


def _count_attempt(metrics: PrometheusMetrics, attempt: AIAttempt) -> None:
    metrics.ai_attempted(attempt.step, attempt.outcome, attempt.seconds)


async def _no_ai() -> str:
    return "not configured: set TRUNKLINE_AI_BASE_URL; calls wait in COMPLETED"


def _readiness(
    pool: asyncpg.Pool,
    reachability: AIReachability | None,
    tasks: TaskRunner,
    journal: SqliteJournal,
    spool: Spool,
) -> Readiness:
    async def ask_tasks() -> str:
        trouble = [f"{name} backs off after {error}" for name, error in tasks.trouble.items()]
        return "; ".join(trouble) or "ok"

    async def ask_spool() -> str:
        held = journal.size.entries
        return f"holds {held} requests until the database is back" if held else "ok"

    return Readiness(
        {
            "database": Check(lambda: ask_database(pool), Weight.NEEDED),
            "schema": Check(lambda: ask_schema(pool), Weight.NEEDED),
            "ai": Check(reachability.ask if reachability else _no_ai, Weight.TOLD),
            "tasks": Check(ask_tasks, Weight.TOLD),
            "spool": Check(ask_spool, Weight.TOLD),
        },
        spool,
    )


def _reachability(session: aiohttp.ClientSession, settings: Settings) -> AIReachability | None:
    return AIReachability(session, _provider(settings)) if settings.ai_base_url else None


class Container(containers.DeclarativeContainer):
    """Give it what was opened, and ask it for what is to run."""

    settings = providers.Dependency(instance_of=Settings)
    pool = providers.Dependency(instance_of=asyncpg.Pool)
    job_pool = providers.Dependency(instance_of=asyncpg.Pool)
    http_session = providers.Dependency(instance_of=aiohttp.ClientSession)

    tasks = providers.Singleton(TaskRunner)
    metrics = providers.Singleton(PrometheusMetrics)
    units_of_work = providers.Singleton(PostgresUnitsOfWork, pool, providers.Object(PgQueuerJobQueue))
    reader = providers.Singleton(PostgresCallReader, pool)
    recordings = providers.Singleton(_recordings, reader, settings)

    start = providers.Factory(StartCall, units_of_work)
    complete = providers.Factory(CompleteCall, units_of_work, settings.provided.settle_seconds)
    refusals = providers.Singleton(PostgresRefusals, pool)
    journal = providers.Singleton(_journal, settings)
    spool = providers.Singleton(Spool, journal)
    replay_spool = providers.Singleton(
        ReplaySpool,
        journal,
        spool,
        providers.Factory(ReceivePackets, units_of_work, is_replay=True),
        providers.Factory(ReceivePackets, units_of_work, providers.Object(lambda: False), is_replay=True),
        start,
        complete,
        providers.Factory(AreStored, units_of_work),
        refusals,
        metrics.provided.spool_holds,
        metrics.provided.spool_refused,
    )

    deliveries = providers.Singleton(
        _deliveries,
        providers.Factory(
            ReceiveOrSpool,
            providers.Factory(
                ReceivePackets, units_of_work, providers.Callable(_unless_others_hold, journal)
            ),
            spool,
        ),
        metrics,
        settings,
    )
    queries = providers.Factory(CallQueries, reader, recordings)
    packet_days = providers.Singleton(PostgresPacketDays, pool)
    prepare_days = providers.Factory(PrepareDays, packet_days)
    drop_audio = providers.Factory(DropAudio, packet_days, providers.Callable(_retention, settings))
    reconcile_jobs = providers.Factory(ReconcileJobs, units_of_work)
    complete_idle_calls = providers.Factory(
        CompleteIdleCalls, units_of_work, settings.provided.idle_call_seconds
    )

    changes = providers.Singleton(PostgresCallChanges, pool)
    feed = providers.Singleton(
        _feed,
        providers.Singleton(OwnCallChanges, changes),
        providers.Singleton(PostgresLiveCalls, pool),
        metrics,
        spool,
        settings,
    )
    reprocess = providers.Factory(ReprocessCall, units_of_work)
    reprocess_many = providers.Singleton(
        ReprocessMany, providers.Singleton(PostgresReprocessBatches, pool), reprocess, reader
    )

    provider = providers.Singleton(_provider, settings)
    on_attempt = providers.Callable(_count_attempt, metrics).provider
    process_call = providers.Factory(
        ProcessCall,
        units_of_work,
        reader,
        recordings,
        providers.Singleton(OpenAITranscriber, http_session, provider, on_attempt),
        providers.Singleton(OpenAIAnalyst, http_session, provider, on_attempt),
        settings.provided.ai_run_delays_seconds,
        metrics.provided.call_set_aside,
    )
    job_executor = providers.Singleton(ProcessCallExecutor, process_call, settings.provided.ai_concurrency)
    job_runner = providers.Singleton(JobRunner, job_pool, job_executor, settings.provided.ai_concurrency)

    readiness = providers.Singleton(
        _readiness, pool, providers.Singleton(_reachability, http_session, settings), tasks, journal, spool
    )
    health = providers.Singleton(HealthHandlers, readiness, metrics, reader, journal)
    api = providers.Singleton(
        api_application,
        providers.Factory(
            IngestionHandlers,
            providers.Factory(StartOrSpool, start, spool),
            deliveries,
            providers.Factory(CompleteOrSpool, complete, spool, journal),
            reprocess,
        ),
        providers.Factory(
            PacketSocketHandlers,
            deliveries,
            queries,
            spool,
            SOCKET_BYTES_HELD,
            metrics.provided.packet_acknowledged,
        ),
        providers.Factory(ReadingHandlers, queries),
        providers.Factory(SupervisionHandlers, queries, reprocess_many),
        providers.Factory(FeedHandlers, feed),
        providers.Factory(SpoolRefusalHandlers, providers.Factory(SpoolRefusals, refusals)),
        health,
        readiness,
        metrics,
    )
    health_only = providers.Singleton(health_application, health, readiness, metrics)

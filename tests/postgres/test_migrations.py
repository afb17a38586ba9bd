"""The schema comes up to date once, whoever tries, and goes down again."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from pogo_core.util import migrate

from adapters.postgres.health import ask_schema
from adapters.postgres.pool import connect, open_pool
from adapters.postgres.schema import MIGRATIONS, MigrationFailed, migrate_to_latest, pending_migrations
from faults.database_way import DatabaseWay
from tests.databases import Databases

EVERY_MIGRATION = [
    "0001_calls",
    "0002_jobs",
    "0003_packet_days",
    "0004_spool_refusals",
    "0005_idle_calls",
    "0006_poison",
    "0007_feed",
    "0008_reprocess_batches",
    "0009_supervision",
    "0010_duplicates",
    "0011_named_batches",
]
PACKETS = """
    SELECT lane, call_id, stream, sequence, sent_at_seconds, data, received_at
    FROM packets ORDER BY call_id, sequence
"""
INSERT_EVENT = """
    INSERT INTO call_events (lane, call_id, version, at, state, event, detail)
    VALUES (1, 'c-1', $1, now(), 'IN_PROGRESS', 'call_started', '{}')
"""
EARLIER_SAVE = """
    INSERT INTO streams (lane, call_id, stream, received, received_bytes, last_packet_at)
    VALUES (1, 'c-1', 'main', $1::text::int8multirange, 480, now())
    ON CONFLICT (lane, call_id, stream) DO UPDATE SET received = excluded.received,
        received_bytes = excluded.received_bytes, last_packet_at = excluded.last_packet_at
"""
STREAM_AND_PLACE = """
    SELECT ctid, xmin, pg_relation_filenode('streams'), received, received_bytes, last_packet_at FROM streams
"""
OBJECTS = """
    SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'
    UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""


@pytest.fixture
async def unmigrated(databases: Databases) -> AsyncIterator[str]:
    async with databases.unmigrated() as url:
        yield url


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def objects(connection: asyncpg.Connection) -> set[str]:
    return {row["name"] for row in await connection.fetch(OBJECTS) if "pogo" not in row["name"]}


async def roll_back(connection: asyncpg.Connection, count: int | None = None) -> None:
    await migrate.rollback(connection, MIGRATIONS, schema_name="public", count=count)


async def roll_back_from(connection: asyncpg.Connection, migration: str) -> None:
    """Take it back, and those that came after it."""
    await roll_back(connection, count=len(EVERY_MIGRATION) - EVERY_MIGRATION.index(migration))


async def test_five_that_migrate_at_once_apply_each_migration_once(unmigrated: str) -> None:
    async def run() -> list[str]:
        async with connected(unmigrated) as connection:
            return await migrate_to_latest(connection)

    applied = await asyncio.gather(*(run() for _ in range(5)))
    assert sorted(applied) == [[], [], [], [], EVERY_MIGRATION]


async def test_what_is_pending_is_known_before_and_after(unmigrated: str) -> None:
    async with connected(unmigrated) as connection:
        assert await pending_migrations(connection) == EVERY_MIGRATION
        await migrate_to_latest(connection)
        assert await pending_migrations(connection) == []
        await roll_back(connection, count=1)
        assert await pending_migrations(connection) == EVERY_MIGRATION[-1:]
        assert await migrate_to_latest(connection) == EVERY_MIGRATION[-1:]


async def test_each_rollback_takes_away_all_that_its_migration_brought(unmigrated: str) -> None:
    async with connected(unmigrated) as connection:
        await migrate_to_latest(connection)
        everything = await objects(connection)
        await roll_back_from(connection, "0002_jobs")
        assert not any("pgqueuer" in name for name in await objects(connection))
        assert "calls" in await objects(connection)
        await roll_back(connection)
        assert await objects(connection) == set()
        await migrate_to_latest(connection)
        assert await objects(connection) == everything


async def test_packets_are_moved_into_their_days_and_back(unmigrated: str) -> None:
    """What was acknowledged by an earlier release stays, byte for byte, and keeps its time of arrival."""
    async with connected(unmigrated) as connection:
        await migrate_to_latest(connection)
        await roll_back_from(connection, "0003_packet_days")
        await connection.execute(
            "INSERT INTO calls (lane, call_id, state, encoding, metadata, started_at, version) VALUES"
            " (1, 'c-1', 'IN_PROGRESS', 'text/plain', '{}', '2026-03-01 23:59:59.999999Z', 1),"
            " (1, 'c-2', 'IN_PROGRESS', 'text/plain', '{}', '2026-03-02 00:00:00Z', 1)"
        )
        await connection.execute(
            "INSERT INTO packets"
            " SELECT 1, call_id, 'main', n, n, decode('00ff', 'hex'), now() - interval '1 hour'"
            " FROM calls, generate_series(1, 3) AS n"
        )
        before = await connection.fetch(PACKETS)
        await migrate_to_latest(connection)
        after = await connection.fetch(PACKETS)
        days = await connection.fetch(
            "SELECT DISTINCT tableoid::regclass::text, call_day::text, call_id FROM packets ORDER BY 1"
        )
        await roll_back_from(connection, "0003_packet_days")
        back = await connection.fetch(PACKETS)
    assert len(before) == 6
    assert before == after == back
    assert [tuple(day) for day in days] == [
        ("packets_20260301", "2026-03-01", "c-1"),
        ("packets_20260302", "2026-03-02", "c-2"),
    ]


async def test_streams_that_are_there_count_from_the_migration(unmigrated: str) -> None:
    """A live call of an earlier release does not look silent; its stream stays as it was, back and forth."""
    async with connected(unmigrated) as connection:
        await migrate_to_latest(connection)
        await roll_back_from(connection, "0005_idle_calls")
        await connection.execute("INSERT INTO streams VALUES (1, 'c-1', 'main', '{[1,4)}', 480)")
        before = await connection.fetch("SELECT * FROM streams")
        migrated_at = await connection.fetchval("SELECT clock_timestamp()")
        await migrate_to_latest(connection)
        assert await connection.fetchval("SELECT last_packet_at FROM streams") >= migrated_at
        await roll_back_from(connection, "0005_idle_calls")
        assert await connection.fetch("SELECT * FROM streams") == before


async def test_an_index_that_was_left_half_built_is_made_anew(unmigrated: str) -> None:
    """One that is built beside a running release is no part of a transaction, and stays where it fails."""
    async with connected(unmigrated) as connection:
        await migrate_to_latest(connection)
        await roll_back_from(connection, "0009_supervision")
        await connection.execute("CREATE INDEX calls_failed ON calls (call_id)")
        assert "0009_supervision" in await migrate_to_latest(connection)
        made = await connection.fetchval("SELECT pg_get_indexdef('calls_failed'::regclass)")
    assert "(failure_reason, started_at DESC, call_id DESC)" in made


async def test_history_that_is_there_is_no_news(unmigrated: str) -> None:
    """Events of an earlier release have no transaction; those that its processes still write do."""
    async with connected(unmigrated) as connection:
        await migrate_to_latest(connection)
        await roll_back_from(connection, "0007_feed")
        await connection.execute(INSERT_EVENT, 1)
        await migrate_to_latest(connection)
        await connection.execute(INSERT_EVENT, 2)
        rows = await connection.fetch(
            "SELECT transaction_id IS NULL AS is_history FROM call_events ORDER BY version"
        )
    assert [row["is_history"] for row in rows] == [True, False]


async def test_streams_count_duplicates_from_the_migration_and_none_is_written_for_it(
    unmigrated: str,
) -> None:
    """A process of an earlier release goes on writing beside it, and leaves what is counted as it is."""
    async with connected(unmigrated) as connection:
        await migrate_to_latest(connection)
        await roll_back_from(connection, "0010_duplicates")
        await connection.execute(EARLIER_SAVE, "{[1,4)}")
        before = await connection.fetchrow(STREAM_AND_PLACE)
        await migrate_to_latest(connection)
        assert await connection.fetchrow(STREAM_AND_PLACE) == before
        assert await connection.fetchval("SELECT duplicates FROM streams") == 0
        await connection.execute("UPDATE streams SET duplicates = 5")
        await connection.execute(EARLIER_SAVE, "{[1,5)}")
        saved = await connection.fetch("SELECT upper(received), duplicates FROM streams")
        await roll_back_from(connection, "0010_duplicates")
        await connection.execute(EARLIER_SAVE, "{[1,6)}")
    assert [tuple(stream) for stream in saved] == [(5, 5)]


async def test_a_migration_that_is_not_given_a_lock_fails_whole_and_clearly(unmigrated: str) -> None:
    """And it can be tried again."""
    async with connected(unmigrated) as connection, connected(unmigrated) as someone:
        await migrate_to_latest(connection)
        await roll_back(connection)
        async with someone.transaction():
            await someone.execute("LOCK TABLE _pogo_migration IN SHARE MODE")
            with pytest.raises(MigrationFailed, match=r"0001_calls.*lock timeout"):
                await migrate_to_latest(connection, lock_timeout_seconds=0.1)
        assert await objects(connection) == set()
        assert await migrate_to_latest(connection) == EVERY_MIGRATION


async def test_what_postgresql_says_of_a_failed_migration_is_one_line(unmigrated: str) -> None:
    async with connected(unmigrated) as connection:
        await migrate_to_latest(connection)
        await roll_back_from(connection, "0003_packet_days")
        await connection.execute("CREATE VIEW report AS SELECT * FROM packets")
        with pytest.raises(
            MigrationFailed, match=r"0003_packet_days: cannot drop .*; DETAIL: .*report"
        ) as failed:
            await migrate_to_latest(connection)
    assert "\n" not in str(failed.value)


async def test_a_connection_lost_in_mid_migration_is_a_failed_migration(unmigrated: str) -> None:
    async with (
        DatabaseWay(unmigrated).running() as way,
        connected(unmigrated) as someone,
        connected(way.url) as connection,
    ):
        await migrate_to_latest(someone)
        await roll_back(someone, count=1)
        async with someone.transaction():
            await someone.execute("LOCK TABLE reprocess_batches IN ACCESS SHARE MODE")
            migrating = asyncio.create_task(migrate_to_latest(connection))
            await until_waiting_for_a_lock(someone, connection)
            way.cut()
            with pytest.raises(MigrationFailed, match=EVERY_MIGRATION[-1]):
                await migrating
        await until_migrated(someone)


async def until_waiting_for_a_lock(someone: asyncpg.Connection, other: asyncpg.Connection) -> None:
    waits = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'"
    async with asyncio.timeout(10):
        while not await someone.fetchval(waits, other.get_server_pid()):  # noqa: ASYNC110 # nothing tells
            await asyncio.sleep(0.01)


async def until_migrated(someone: asyncpg.Connection) -> None:
    """As soon as the server has noticed that the other has gone."""
    async with asyncio.timeout(10):
        assert await migrate_to_latest(someone) == EVERY_MIGRATION[-1:]


async def test_a_failed_migration_keeps_nobody_else_out(unmigrated: str) -> None:
    """The lock that the processes share is given back, though the connection stays open."""
    async with connected(unmigrated) as connection, connected(unmigrated) as other:
        await connection.execute("CREATE TABLE streams ()")
        with pytest.raises(MigrationFailed):
            await migrate_to_latest(connection)
        await connection.execute("DROP TABLE streams")
        async with asyncio.timeout(5):
            assert await migrate_to_latest(other) == EVERY_MIGRATION


async def test_readiness_names_what_is_missing(unmigrated: str) -> None:
    pool = await open_pool(unmigrated, largest=1)
    try:
        assert await ask_schema(pool) == f"lacks {', '.join(EVERY_MIGRATION)}"
        async with connected(unmigrated) as connection:
            await migrate_to_latest(connection)
        assert await ask_schema(pool) == "ok"
    finally:
        await pool.close()


@pytest.mark.parametrize(("part", "command"), [("apply", "install"), ("rollback", "uninstall")])
def test_the_queues_tables_are_those_of_the_installed_pgqueuer(part: str, command: str) -> None:
    """An upgrade of the library that needs another schema shows here."""
    printed = subprocess.run(
        [sys.executable, "-m", "pgqueuer", "sql", command], capture_output=True, text=True, check=True
    ).stdout
    text = (MIGRATIONS / "0002_jobs.sql").read_text("utf-8")
    parts = re.split(r"^-- migrate: (\w+)$", text, flags=re.MULTILINE)
    assert statements(parts[parts.index(part) + 1]) == statements(printed)


def statements(sql: str) -> list[str]:
    """Its lines without comments and without what is empty."""
    bare = (re.sub(r"--.*", "", line).rstrip() for line in sql.splitlines())
    return [line for line in bare if line]

"""The hot statements read by index, one lane and one day at a time, however much is stored."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import attrs
import pytest

from adapters.jobs.job_queue import CALLS_WITHOUT_JOB, HASTEN
from adapters.postgres import call_changes, call_reader, call_repository, packet_repository
from adapters.postgres.lanes import lane_of
from adapters.postgres.live_calls import RECEIVING
from adapters.postgres.packet_days import STATES
from adapters.postgres.pages import FOR_SEARCHING, page_of_calls, page_of_packets
from adapters.postgres.pool import connect
from application.ports import CallPosition, PacketPosition, Wanted
from domain.analysis import FailureReason
from domain.call_state import CallState
from tests.databases import Databases, run_apart
from tests.postgres.filled_database import FIRST_DAY, PACKETS_A_CALL, TODAY, call_id, fill, live_calls

LIVE = live_calls(20)
LANES = [lane_of(name) for name in LIVE]
LANE_SET = sorted(set(LANES))
MAIN = ["main"] * len(LIVE)
ONE = LIVE[0]
OLD = call_id(FIRST_DAY, 3)
POSITION = CallPosition(datetime(2026, 2, 1, 12, 0, 30, tzinfo=UTC), OLD)
NOW = "2026-02-10 13:00:00+00"
RANGES = [f"{{[1,{PACKETS_A_CALL + 1}]}}"] * len(LIVE)


@attrs.frozen
class Hot:
    """A statement with values as production gives them, and the tables that it may read or fill."""

    statement: str
    values: tuple[object, ...]
    tables: frozenset[str]
    before: str = "SELECT"
    """What is executed first in its transaction."""


def hot(statement: str, *values: object, tables: str) -> Hot:
    return Hot(statement, values, frozenset(tables.split()))


def hot_page(statement: tuple[str, list[object]], table: str) -> Hot:
    text, values = statement
    return hot(text, *values, tables=table)


def search(wanted: Wanted, after: CallPosition | None) -> Hot:
    return attrs.evolve(hot_page(page_of_calls(wanted, after, 51), "calls"), before=FOR_SEARCHING)


WRITING = {
    "lock calls": hot(call_repository.LOCK_CALLS, LANE_SET, LIVE, tables="calls"),
    "streams": hot(call_repository.STREAMS_AND_TIME, LANE_SET, LIVE, tables="streams"),
    "data of packets": hot(
        packet_repository.DATA_OF.format(day=TODAY),
        LANES,
        LIVE,
        MAIN,
        [3] * len(LIVE),
        tables="packets_20260210",
    ),
    "data of packets on a day that has just begun": hot(
        packet_repository.DATA_OF.format(day=TODAY + timedelta(days=1)),
        *[LANES, LIVE, MAIN, [3] * len(LIVE)],
        tables="packets_20260211",
    ),
    "insert call": hot(
        call_repository.INSERT_CALL,
        *[[1], ["new"], ["IN_PROGRESS"], ["text/plain"], [None], [None], ["{}"], [NOW], [1]],
        tables="calls",
    ),
    "update call": hot(
        call_repository.UPDATE_CALL,
        *[
            lane_of(ONE),
            ONE,
            "COMPLETED",
            NOW,
            None,
            "{}",
            NOW,
            0,
            0,
            0,
            None,
            False,
            "{}",
            None,
            None,
            None,
            2,
        ],
        tables="calls",
    ),
    "save streams": hot(
        call_repository.SAVE_STREAMS,
        *[LANES, LIVE, MAIN, RANGES, [960] * len(LIVE), [2] * len(LIVE), [NOW] * len(LIVE)],
        tables="streams",
    ),
    "insert events": hot(
        call_repository.INSERT_EVENTS,
        *[LANES, LIVE, [6] * len(LIVE), [NOW] * len(LIVE), ["IN_PROGRESS"] * len(LIVE)],
        *[["call_started"] * len(LIVE), ["{}"] * len(LIVE)],
        tables="call_events",
    ),
}
READING = {
    "call": hot(call_reader.CALL, lane_of(OLD), OLD, tables="calls"),
    "call's streams": hot(call_reader.STREAMS, [lane_of(OLD)], [OLD], tables="streams"),
    "call's events": hot(call_reader.EVENTS, lane_of(OLD), OLD, tables="call_events"),
    "call's start": hot(call_reader.STARTED_AT, lane_of(OLD), OLD, tables="calls"),
    "first page of packets": hot_page(page_of_packets(FIRST_DAY, OLD, None, None, 10), "packets_20260201"),
    "next page of packets": hot_page(
        page_of_packets(FIRST_DAY, OLD, None, PacketPosition("main", PACKETS_A_CALL - 20), 10),
        "packets_20260201",
    ),
    "last page of a stream's packets": hot_page(
        page_of_packets(FIRST_DAY, OLD, "main", PacketPosition("main", PACKETS_A_CALL - 5), 10),
        "packets_20260201",
    ),
    "packet runs": hot(
        call_reader.PACKET_RUNS.format(day=FIRST_DAY), lane_of(OLD), OLD, "main", tables="packets_20260201"
    ),
}
ACROSS_LANES = {
    "list": hot_page(page_of_calls(Wanted(), None, 51), "calls"),
    "last page of the list": hot_page(page_of_calls(Wanted(), POSITION, 51), "calls"),
    "list of a rare state": hot_page(page_of_calls(Wanted(CallState.IN_PROGRESS), None, 51), "calls"),
    "last page of the list of a state": hot_page(
        page_of_calls(Wanted(CallState.ARCHIVED), POSITION, 51), "calls"
    ),
    "list of a failure": hot_page(
        page_of_calls(Wanted(CallState.FAILED, FailureReason.POISON), None, 51), "calls"
    ),
    "search of a call": search(Wanted(words=["0203", "17"]), None),
    "search in a state": search(Wanted(CallState.ARCHIVED, words=["0203", "17", "thank"]), POSITION),
    "changes since a moment": hot(
        call_changes.CHANGES,
        *[["5000", "5002"], "19990", "30000", 5_001, "30000:30000:"],
        tables="call_events",
    ),
    "counts of what changed": hot(
        call_changes.COUNT_ON,
        *[["5000", "5002"], "19990", "30000", 50_001, "30000:30000:"],
        tables="call_events",
    ),
    "live calls": hot(RECEIVING, 1e9, 1_000, tables="calls streams"),
    "failures": hot(call_reader.FAILURES, tables="calls"),
    "states on a day": hot(
        STATES, ["IN_PROGRESS"], str(TODAY), str(TODAY + timedelta(days=1)), tables="calls"
    ),
    "silent calls": hot(call_repository.SILENT_SINCE, NOW, 1000, tables="calls streams"),
    "hasten job": hot(HASTEN, f"call:{LIVE[0]}", tables="pgqueuer"),
    "calls without job": hot(
        CALLS_WITHOUT_JOB.format(states="'COMPLETED', 'PROCESSING_AI'"), 1000, tables="calls pgqueuer"
    ),
}
EVERY = WRITING | READING | ACROSS_LANES


@pytest.fixture(scope="module")
def filled(databases: Databases) -> str:
    urls: list[str] = []

    async def make() -> None:
        async with databases.to_change() as url:
            await fill(url)
            urls.append(url)

    run_apart(make())
    return urls[0]


@pytest.fixture
async def connection(filled: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(filled)
    try:
        yield connection
    finally:
        await connection.close()


async def plan(connection: asyncpg.Connection, hot: Hot, planned_before: int) -> list[dict[str, Any]]:
    """The nodes that are executed. PostgreSQL may settle on a plan that fits all values, the sixth time."""
    kinds = (await connection.prepare(hot.statement)).get_parameters()
    literals = [
        "NULL"
        if value is None
        else await connection.fetchval("SELECT quote_literal($1::text)", text_of(value))
        for value in hot.values
    ]
    assert len(kinds) == len(literals)
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(hot.before)
        await connection.execute(f"PREPARE hot AS {hot.statement}")
        execute = f"EXECUTE hot ({', '.join(literals)})" if literals else "EXECUTE hot"
        for _ in range(planned_before):
            await connection.execute(f"EXPLAIN {execute}")
        explained = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {execute}")
    finally:
        await transaction.rollback()
        await connection.execute("DEALLOCATE ALL")
    return list(executed(json.loads(explained)[0]["Plan"]))


def text_of(value: object) -> str:
    """As PostgreSQL reads it."""
    if isinstance(value, list):
        return "{" + ",".join("NULL" if item is None else f'"{item}"' for item in value) + "}"
    return str(value)


def executed(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if node["Actual Loops"]:
        yield node
    for child in node.get("Plans", ()):
        yield from executed(child)


@pytest.mark.parametrize("planned_before", [0, 6])
@pytest.mark.parametrize("name", EVERY)
async def test_a_hot_statement_reads_by_index_and_touches_what_it_needs(
    connection: asyncpg.Connection, name: str, planned_before: int
) -> None:
    hot = EVERY[name]
    nodes = await plan(connection, hot, planned_before)
    tables = {node["Relation Name"] for node in nodes if "Relation Name" in node}
    assert tables == hot.tables
    read_whole = {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"}
    assert read_whole <= {"pgqueuer"}, "the queue holds what waits, and that is little"
    assert sum(node.get("Rows Removed by Filter", 0) for node in nodes) <= 100


@pytest.mark.parametrize("name", WRITING | READING)
async def test_a_statement_of_one_call_or_batch_finds_its_rows_by_lane(
    connection: asyncpg.Connection, name: str
) -> None:
    """So on a distributed PostgreSQL each goes to where its rows are."""
    nodes = await plan(connection, EVERY[name], 6)
    searched = [node["Index Cond"] for node in nodes if "Index Cond" in node]
    assert all("lane = " in condition for condition in searched)
    inserted = [
        node for node in nodes if node["Node Type"] == "ModifyTable" and node["Operation"] == "Insert"
    ]
    assert searched or inserted
    assert all(re.search(r"INTO \w+\s*\([^)]*\blane\b", EVERY[name].statement) for _ in inserted)

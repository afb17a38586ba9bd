"""503, and what is answered although the database is away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from faults.database_way import NextCommit
from tests.databases import Databases
from tests.http.answer import Answer, assert_problem
from tests.http.database_proxy import DatabaseProxy
from tests.http.database_rows import nothing_left
from tests.http.described_client import DescribedClient
from tests.http.held_storage import held_storage
from tests.http.readiness import until_ready
from tests.http.running_service import RunningService, running_service

WRITING: dict[str, Any] = {
    "/v1/call/init": {"call_id": "down"},
    "/v1/call/stream/down": {"sequence": 1, "data": "text", "timestamp": 1},
    "/v1/call/complete/down": None,
    "/v1/calls/down/reprocess": None,
}
READING = [
    "/v1/spool/refusals",
    "/v1/calls",
    "/v1/calls/down",
    "/v1/calls/down/packets",
    "/v1/calls/down/audio.wav",
]


@pytest.fixture(scope="module")
def proxy() -> DatabaseProxy:
    return DatabaseProxy()


@pytest.fixture(scope="module")
def service(databases: Databases, proxy: DatabaseProxy) -> Iterator[RunningService]:
    """With a queue that holds one packet, and a way to the database that can be cut."""
    with running_service(databases, proxy.reach, ingest_queue="1") as service:
        yield service


@pytest.fixture
async def cut(service: RunningService, client: DescribedClient, proxy: DatabaseProxy) -> Any:
    service.run(proxy.cut())
    yield
    service.run(proxy.restore())
    await until_ready(client)


async def test_the_queue_is_full(service: RunningService, client: DescribedClient, call_id: str) -> None:
    await client.packet(call_id, 1)
    with nothing_left(service), held_storage(service):
        first = asyncio.create_task(client.packet(call_id, 1))
        second = asyncio.create_task(client.packet(call_id, 1))
        ((refused,), _) = await asyncio.wait({first, second}, return_when=asyncio.FIRST_COMPLETED)
        assert_problem(await refused, 503)
        assert refused.result().json["type"] == "urn:trunkline:problem:overloaded"
    statuses = {(await first).status, (await second).status}
    assert statuses == {202, 503}
    assert (await client.packet(call_id, 1)).status == 202


async def test_draining(service: RunningService, client: DescribedClient, call_id: str) -> None:
    await client.packet(call_id, 1)
    readiness = service.container.readiness()
    readiness.draining = True
    try:
        with nothing_left(service):
            for path, body in WRITING.items():
                answer = await client.post(path, body)
                assert_problem(answer, 503)
                assert answer.headers["Connection"] == "close"
                assert answer.json["type"] == "urn:trunkline:problem:draining"
        assert (await client.get(f"/v1/calls/{call_id}")).status == 200
        assert (await client.get("/livez")).status == 200
        ready = await client.get("/readyz")
        assert (ready.status, ready.json["status"]) == (503, "draining")
    finally:
        readiness.draining = False
    assert (await client.packet(call_id, 2)).status == 202


@pytest.mark.usefixtures("cut")
async def test_the_database_is_gone_for_what_is_not_ingestion(client: DescribedClient) -> None:
    assert_problem(await client.post("/v1/calls/down/reprocess"), 503)


@pytest.mark.usefixtures("cut")
@pytest.mark.parametrize("path", READING)
async def test_the_database_is_gone_for_reading(client: DescribedClient, path: str) -> None:
    assert_problem(await client.get(path), 503)


@pytest.mark.usefixtures("cut")
async def test_bad_requests_stay_bad_while_the_database_is_gone(client: DescribedClient) -> None:
    assert_problem(await client.packet("down", "1"), 422, "sequence")
    assert_problem(await client.packet("a%00b", 1), 422, "call_id")
    assert_problem(await client.get("/v1/calls/a%00b"), 404)


@pytest.mark.usefixtures("cut")
async def test_operators_are_told_that_the_database_is_gone(client: DescribedClient) -> None:
    assert (await client.get("/livez")).status == 200
    ready = await client.get("/readyz")
    assert ready.status == 200
    assert ready.json["status"] == "degraded"
    assert ready.json["checks"]["database"] == "does not answer"
    assert (await client.get("/metrics")).status == 200


async def send(client: DescribedClient, what: str, call_id: str) -> Answer:
    if what == "init":
        return await client.init(call_id)
    if what == "complete":
        return await client.complete(call_id)
    return await client.packet(call_id, 1)


@pytest.mark.parametrize(
    ("what", "fate", "status", "word"),
    [
        ("init", "is not answered", 200, "started"),
        ("init", "never arrives", 200, "started"),
        ("packet", "is not answered", 202, "duplicate"),
        ("packet", "never arrives", 202, "duplicate"),
        ("complete", "is not answered", 202, "completed"),
        ("complete", "never arrives", 202, "completed"),
    ],
)
async def test_the_outcome_of_the_commit_is_unknown(
    client: DescribedClient,
    proxy: DatabaseProxy,
    call_id: str,
    what: str,
    fate: NextCommit,
    status: int,
    word: str,
) -> None:
    if what == "complete":
        await client.init(call_id)
    proxy.meet_next_commit(fate)
    lost = await send(client, what, call_id)
    assert (lost.status, lost.json["durability"]) == (201 if what == "init" else 202, "spooled")
    await until_ready(client)
    again = await send(client, what, call_id)
    assert (again.status, again.json["status"]) == (status, word)
    call = await client.call(call_id)
    assert len(call["history"]) == (2 if what == "complete" else 1)
    counts = [(stream["received"], stream["duplicates"]) for stream in call["streams"]]
    assert counts == ([(1, 1)] if what == "packet" else []), "the replay is no packet that came again"


async def test_a_queue_that_was_drained_takes_no_more(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    """The last test of this module: nothing brings the queue back."""
    service.run(service.container.deliveries().drain())
    assert_problem(await client.packet(call_id, 1), 503)

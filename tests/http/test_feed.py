"""The feed of changes over real connections: a snapshot, then everything, once, wherever one reads it."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import aiohttp
import orjson
import pytest

from domain.analysis import Failure, FailureReason
from tests.databases import Databases
from tests.http import life_cycle
from tests.http.database_proxy import DatabaseProxy
from tests.http.described_client import DescribedClient
from tests.http.description import Description
from tests.http.feed_client import FeedClient, Told, check_event, reading
from tests.http.life_cycle import change
from tests.http.running_service import RunningService, running_service

AUDIO = {"encoding": "audio/x-mulaw", "sample_rate_hz": 8000, "channels": 1}


@pytest.fixture(scope="module")
def proxy() -> DatabaseProxy:
    return DatabaseProxy()


@pytest.fixture(scope="module")
def service(databases: Databases, proxy: DatabaseProxy) -> Iterator[RunningService]:
    with running_service(databases, proxy.reach) as service:
        yield service


@pytest.fixture(scope="module")
def beside(databases: Databases, proxy: DatabaseProxy, service: RunningService) -> Iterator[RunningService]:
    """Another process on the same database, as far as the feed can know."""
    with beside_service(databases, proxy) as beside:
        yield beside


@pytest.fixture
async def feed(service: RunningService, description: Description) -> AsyncIterator[FeedClient]:
    """Someone who has read the snapshot."""
    async with reading(service.url, description) as feed:
        assert (await feed.next()).event == "snapshot"
        yield feed


def beside_service(databases: Databases, proxy: DatabaseProxy):  # type: ignore[no-untyped-def] # as below
    @asynccontextmanager
    async def reach_the_same(_: str) -> AsyncIterator[str]:
        yield proxy.database_url

    return running_service(databases, reach_the_same)


def is_of(call_id: str, event: str, kind: str = "call"):  # type: ignore[no-untyped-def] # a condition
    return lambda told: (
        told.event == kind
        and told.data["call_id"] == call_id
        and (kind != "call" or told.data["event"] == event)
    )


def is_of_version(call_id: str, version: int):  # type: ignore[no-untyped-def] # a condition
    return lambda told: (
        told.event == "call" and (told.data["call_id"], told.data["version"]) == (call_id, version)
    )


async def test_first_comes_how_things_stand(
    service: RunningService, description: Description, client: DescribedClient, call_id: str
) -> None:
    await client.init(call_id, media=AUDIO, metadata={"from": "+1555"})
    await client.packet(call_id, 1, "AAD/")
    async with reading(service.url, description) as feed:
        snapshot = await feed.next()
    assert (snapshot.event, bool(snapshot.id)) == ("snapshot", True)
    shown = next(call for call in snapshot.data["live"] if call["call_id"] == call_id)
    listed = (await client.get(f"/v1/calls?search={call_id}")).json["calls"]
    assert [shown] == listed
    assert snapshot.data["calls_by_state"]["IN_PROGRESS"] >= 1
    assert snapshot.data["ai"]["configured"] is False
    assert feed.headers["Cache-Control"] == "no-store"


async def test_a_calls_life_is_told_as_its_history_has_it(
    service: RunningService, client: DescribedClient, feed: FeedClient, call_id: str
) -> None:
    await client.init(call_id)
    await client.complete(call_id)
    change(service, call_id, life_cycle.fail)
    await client.post(f"/v1/calls/{call_id}/reprocess")
    told = await feed.until(is_of(call_id, "reprocess_requested"))
    changes = [
        {name: value for name, value in each.data.items() if name != "call_id"}
        for each in told
        if each.event == "call" and each.data["call_id"] == call_id
    ]
    call = await client.call(call_id)
    assert changes == call["history"]
    assert call["version"] == changes[-1]["version"]


async def test_progress_and_gaps_of_a_live_call_are_told_and_an_overview_every_second(
    client: DescribedClient, feed: FeedClient, call_id: str
) -> None:
    await client.init(call_id, media=AUDIO)
    for sequence in (1, 2, 5, 2):
        await client.packet(call_id, sequence, "AAD/")
    told = await feed.until(is_of(call_id, "", "gap"))
    progress = [each for each in told if is_of(call_id, "", "progress")(each)][-1]
    assert progress.data["packets"] == 3
    assert progress.data["duration_seconds"] == pytest.approx(9 / 8000)
    stream = {"stream": "main", "received": 3, "duplicates": 1, "next_expected": 6, "missing": [[3, 4]]}
    assert progress.data["streams"] == [stream | {"duration_seconds": progress.data["duration_seconds"]}]
    assert told[-1].data["missing"] == [[3, 4]]
    told += await feed.until(lambda each: each.event == "overview")
    overviews = [each.data for each in told if each.event == "overview"]
    assert len(overviews) >= 2
    assert max(overview["packets_per_second"] for overview in overviews) > 0
    assert {overview["durability"] for overview in overviews} == {"ready"}
    assert sum(overviews[-1]["calls_by_state"].values()) >= 1


async def test_over_a_websocket_it_is_the_same(
    service: RunningService, client: DescribedClient, description: Description, call_id: str
) -> None:
    """And resumes there, from an id of either."""
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(f"{service.url}/v1/events/ws") as first:
            snapshot = orjson.loads(await first.receive_str(timeout=10))
            assert snapshot["event"] == "snapshot"
        await client.init(call_id)
        query = {"last_event_id": snapshot["id"]}
        async with session.ws_connect(f"{service.url}/v1/events/ws", params=query) as second:
            message = orjson.loads(await second.receive_str(timeout=10))
    description.check_schema("SocketEvent", message)
    check_event(description, message["event"], message["data"])
    assert (message["event"], message["data"]["call_id"]) == ("call", call_id)


async def test_a_reader_who_is_cut_off_after_each_event_misses_none_and_gets_none_twice(
    service: RunningService, beside: RunningService, description: Description, client: DescribedClient
) -> None:
    """Every time it comes back to one of two processes, by chance, while calls go on."""
    chance = random.Random(5)
    calls = [f"hop-{number}" for number in range(12)]
    async with reading(service.url, description) as feed:
        place = (await feed.next()).id

    async def live(call_id: str) -> None:
        await client.init(call_id)
        await asyncio.sleep(chance.random() / 2)
        await client.complete(call_id)

    living = asyncio.gather(*map(live, calls))
    seen: list[tuple[str, int]] = []
    while len(seen) < 2 * len(calls):
        url = chance.choice([service.url, beside.url])
        async with reading(url, description, place) as feed:
            for _ in range(chance.choice([1, 1, 1, 3])):
                seen.append((await feed.next_change()).key)
                place = feed.last_event_id
                if len(seen) == 2 * len(calls):
                    break
    await living
    assert sorted(seen) == sorted((call_id, version) for call_id in calls for version in (1, 2))
    assert all(seen.index((call_id, 1)) < seen.index((call_id, 2)) for call_id in calls)


async def test_after_a_restart_it_goes_on_where_it_was(
    databases: Databases,
    proxy: DatabaseProxy,
    client: DescribedClient,
    description: Description,
    call_id: str,
) -> None:
    """A process that ends ends the feed, and its successor tells what was missed meanwhile."""
    with beside_service(databases, proxy) as first:
        async with (
            reading(first.url, description) as feed,
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{first.url}/v1/events/ws") as other,
        ):
            await feed.next()
            await client.init(call_id)
            await feed.until(is_of(call_id, "call_started"))
            stop = asyncio.create_task(asyncio.to_thread(_stop, first))
            with pytest.raises(EOFError):
                await feed.until(lambda told: False)
            while not other.closed:
                await other.receive(timeout=10)
            assert other.close_code == aiohttp.WSCloseCode.SERVICE_RESTART
            await stop
    await client.complete(call_id)
    with beside_service(databases, proxy) as second:
        async with reading(second.url, description, feed.last_event_id) as resumed:
            assert (await resumed.next_change()).key == (call_id, 2)


def _stop(service: RunningService) -> None:
    """As far as readers can tell."""
    service.run(service.container.api().shutdown())


@pytest.mark.parametrize("place", ["-", "nonsense", "0123456789ab/1:1:", "é" * 10, "9" * 7_000])
async def test_an_id_of_nowhere_gets_a_snapshot(
    service: RunningService, description: Description, place: str
) -> None:
    """``-`` is what is given out where an id would be too long."""
    async with aiohttp.ClientSession() as session:
        params = {"last_event_id": place}
        async with session.get(f"{service.url}/v1/events", params=params) as response:
            feed = FeedClient(description, response)
            assert (await feed.until(lambda told: told.event != "overview"))[-1].event == "snapshot"


@pytest.mark.parametrize(
    "crafted", ["/9:3:", "/0:0:", "/x:x:", "/0:0:/1/c-0", "/1:9:5,4/1/c-0", "/9:3:/1/c-0"]
)
async def test_a_crafted_id_gets_a_snapshot(
    service: RunningService, description: Description, feed: FeedClient, crafted: str
) -> None:
    """It begins with one of this storage, and goes on with what PostgreSQL would refuse."""
    for place in (feed.last_event_id + crafted, feed.last_event_id.partition("/")[0] + crafted):
        async with reading(service.url, description, place) as crafty:
            assert (await crafty.until(lambda told: told.event != "overview"))[-1].event == "snapshot"


async def test_a_reader_who_does_not_read_gets_a_snapshot_and_holds_nobody_up(
    service: RunningService, client: DescribedClient, feed: FeedClient, call_id: str
) -> None:
    """What it did not read is more than is kept for it, and the system's buffers hold only some of it."""
    lazy = socket.socket()
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    lazy.connect((service.host, service.port))
    with lazy:
        lazy.settimeout(20)
        lazy.sendall(b"GET /v1/events HTTP/1.0\r\nHost: x\r\n\r\n")
        first = await asyncio.to_thread(_read_until, lazy, b"event: snapshot")
        if b"\n\n" not in first.partition(b"event: snapshot")[2]:
            await asyncio.to_thread(_read_until, lazy, b"\n\n")
        await client.init(call_id)
        await client.complete(call_id)
        long = Failure(FailureReason.AI_UNAVAILABLE, "x" * 100_000)
        told: list[Told] = []
        for version in range(22, 163, 20):  # one look after the other
            for _ in range(10):
                change(
                    service, call_id, lambda call, at: call.postpone(call.begin_run(at), long, [0.0] * 99, at)
                )
            told += await feed.until(is_of_version(call_id, version))
        versions = [each.data["version"] for each in told if each.event == "call"]
        assert versions == list(range(1, 163)), "who reads gets everything"
        read = await asyncio.to_thread(_read_until, lazy, b"event: snapshot")
    assert read.count(b"event: call") < 162


def _read_until(connection: socket.socket, wanted: bytes, within_seconds: float = 15) -> bytes:
    read, until = bytearray(), time.monotonic() + within_seconds
    while wanted not in read:
        assert time.monotonic() < until, "it never comes"
        some = connection.recv(65_536)
        assert some, "the connection ended"
        read += some
    return bytes(read)


async def test_while_the_database_is_away_it_says_so_and_then_goes_on(
    service: RunningService,
    client: DescribedClient,
    proxy: DatabaseProxy,
    feed: FeedClient,
    description: Description,
    call_id: str,
) -> None:
    """A call that is spooled meanwhile is told once it is stored; who came meanwhile gets its snapshot."""
    service.run(proxy.cut())
    await feed.until(lambda told: told.event == "overview" and told.data["durability"] == "degraded")
    assert (await client.init(call_id)).json["durability"] == "spooled"
    async with reading(service.url, description) as late:
        assert (await late.next()).data["durability"] == "degraded"
        service.run(proxy.restore())
        told: list[Told] = await feed.until(is_of(call_id, "call_started"))
        assert [each.event for each in told if each.event not in ("overview", "progress")] == ["call"]
        assert (await late.until(lambda told: told.event != "overview"))[-1].event == "snapshot"
    await feed.until(lambda told: told.event == "overview" and told.data["durability"] == "ready")

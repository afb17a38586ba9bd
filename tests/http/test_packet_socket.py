"""Packets over a WebSocket: what is acknowledged is durable, and a client can always go on."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import aiohttp
import pytest

from tests.http import life_cycle
from tests.http.answer import assert_problem
from tests.http.described_client import DescribedClient
from tests.http.held_storage import held_storage, until_somebody_waits
from tests.http.packet_client import Closed, PacketClient, ack, frame, packet_client
from tests.http.raw_http import exchange, request_bytes
from tests.http.running_service import RunningService

AUDIO = {"encoding": "audio/x-mulaw", "sample_rate_hz": 8000, "channels": 1}


async def stored(client: DescribedClient, call_id: str, stream: str = "main") -> list[tuple[int, str]]:
    answer = await client.get(f"/v1/calls/{call_id}/packets?stream={stream}&limit=1000")
    return [(packet["sequence"], packet["data"]) for packet in answer.json["packets"]]


async def test_a_call_that_is_not_known_is_greeted_and_started_by_its_first_packet(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    async with packet_client(service.url, call_id) as (socket, greeting):
        assert greeting == {"call_id": call_id, "state": None, "streams": []}
        assert (await client.get(f"/v1/calls/{call_id}")).status == 404
        await socket.send(1)
        assert await socket.next() == ack(1)
    assert await stored(client, call_id) == [(1, "text")]


async def test_the_greeting_says_where_each_stream_stands(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    for sequence in (1, 2, 5):
        await client.packet(call_id, sequence)
    await client.packet(call_id, 3, stream="agent")
    await client.complete(call_id)
    async with packet_client(service.url, call_id) as (_, greeting):
        assert greeting == {
            "call_id": call_id,
            "state": "COMPLETED",
            "streams": [
                {"stream": "agent", "through": 3, "next_expected": 4, "missing": [[1, 2]]},
                {"stream": "main", "through": 5, "next_expected": 6, "missing": [[3, 4]]},
            ],
        }


async def test_binary_and_text_messages_make_one_stream(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    async with packet_client(service.url, call_id) as (socket, _):
        await socket.send(1, 2, data="é".encode())
        await socket.send_text(3, "drei")
        await socket.send_text(4, "vier", stream=None)
        await socket.acknowledged(4)
    assert await stored(client, call_id) == [(1, "é"), (2, "é"), (3, "drei"), (4, "vier")]


async def test_audio_is_raw_in_binary_and_base64_in_text(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    await client.init(call_id, media=AUDIO)
    raw = bytes(range(160))
    async with packet_client(service.url, call_id) as (socket, _):
        await socket.send(1, data=raw)
        await socket.send_text(2, base64.b64encode(raw).decode())
        await socket.send(3, data=b"")
        await socket.acknowledged(3)
    encoded = base64.b64encode(raw).decode()
    assert await stored(client, call_id) == [(1, encoded), (2, encoded), (3, "")]


async def test_a_connection_has_a_stream_and_text_may_name_another(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    async with packet_client(service.url, call_id, "?stream=leg%232") as (socket, _):
        await socket.send(1)
        assert await socket.next() == ack(1, stream="leg#2")
        await socket.send_text(2)
        assert await socket.next() == ack(2, stream="leg#2")
        await socket.send_text(7, stream="agent")
        assert await socket.next() == ack(7, (1, 6), stream="agent")
    assert await stored(client, call_id, "leg%232") == [(1, "text"), (2, "text")]


async def test_acknowledgements_tell_what_is_missing_and_how_far_that_holds(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    async with packet_client(service.url, call_id) as (socket, _):
        await socket.send(*range(2, 101, 2))
        answer = await socket.next()
        assert answer == ack(64, *((gap, gap) for gap in range(1, 65, 2)))
        await socket.send(*range(1, 100, 2))
        assert await socket.next() == ack(100)


async def test_the_same_packet_again_is_acknowledged_again(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    async with packet_client(service.url, call_id) as (socket, _):
        for _ in range(2):
            await socket.send(1, 1)
            assert await socket.next() == ack(1)
    assert await stored(client, call_id) == [(1, "text")]
    assert (await client.call(call_id))["streams"][0]["duplicates"] == 3


async def test_nothing_is_acknowledged_before_the_commit(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    await client.packet(call_id, 1)
    async with packet_client(service.url, call_id) as (socket, _):
        with held_storage(service):
            await socket.send(2)
            await until_somebody_waits(service)
            await socket.socket.ping()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await socket.next()
            assert await stored(client, call_id) == [(1, "text")]
        assert await socket.next() == ack(2)


async def test_acknowledgements_are_cumulative_coalesced_in_order_and_never_ahead(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    """All that arrived while one commit was held is acknowledged at once after the next."""
    await client.packet(call_id, 1)
    async with packet_client(service.url, call_id) as (socket, _):
        with held_storage(service):
            await socket.send(2)
            await until_somebody_waits(service)
            for sequence in range(3, 300):
                await socket.send(sequence)
            await socket.socket.ping()
        acks = await socket.acknowledged(299)
        throughs = [found["ack"]["through"] for found in acks]
        assert throughs == sorted(set(throughs))
        assert throughs[0] == 2
        assert len(throughs) <= 4
        for sequence in range(300, 700):
            await socket.send(sequence)
        while True:
            message = await socket.next()
            received = (await client.call(call_id))["streams"][0]["received"]
            assert received >= message["ack"]["through"]
            if message["ack"]["through"] == 699:
                break
    assert (await client.call(call_id))["streams"][0]["received"] == 699


@pytest.mark.parametrize("cut_after", [0, 1, 2, 3, 7, 19, 20, 21, 38, 39, 40])
async def test_a_client_that_is_cut_off_goes_on_from_the_greeting(
    service: RunningService, client: DescribedClient, call_id: str, cut_after: int
) -> None:
    """Cut without a word, with packets on their way: everything is there exactly once in the end."""
    everything = {sequence: f"packet {sequence}" for sequence in range(1, 41)}
    async with packet_client(service.url, call_id) as (socket, _):
        for sequence in list(everything)[:cut_after]:
            await socket.send(sequence, data=everything[sequence].encode())
        if cut_after % 2:
            await socket.acknowledged(cut_after)
        cut(socket)
    async with packet_client(service.url, call_id) as (socket, greeting):
        through = next((stream["through"] for stream in greeting["streams"]), 0)
        assert through == cut_after if cut_after % 2 else through <= cut_after
        for sequence in range(through + 1, 41):
            await socket.send(sequence, data=everything[sequence].encode())
        if through < 40:
            await socket.acknowledged(40)
    assert await stored(client, call_id) == list(everything.items())
    assert [event["event"] for event in (await client.call(call_id))["history"]] == ["call_started"]


def cut(socket: PacketClient) -> None:
    """As a cable does that is pulled out: the connection ends, and nobody says so."""
    transport = socket.socket.get_extra_info("socket")
    transport.shutdown(2)


async def test_two_connections_of_one_call_lose_nothing(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    async with (
        packet_client(service.url, call_id) as (one, _),
        packet_client(service.url, call_id) as (other, _),
    ):
        for sequence in range(1, 101):
            await (one if sequence % 2 else other).send(sequence)
            await (other if sequence % 3 else one).send(sequence)
        await one.send(100)
        await other.send(100)
        await asyncio.gather(one.acknowledged(100), other.acknowledged(100))
    assert [sequence for sequence, _ in await stored(client, call_id)] == list(range(1, 101))


NO_JSON = ["", "{", "nonsense", '{"sequence": NaN}', '{"sequence": 1} {}']


@pytest.mark.parametrize("text", NO_JSON)
@pytest.mark.usefixtures("nothing_stored")
async def test_text_that_is_no_json(service: RunningService, call_id: str, text: str) -> None:
    async with packet_client(service.url, call_id) as (socket, _):
        await socket.socket.send_str(text)
        closed = await socket.closed()
    assert closed.code == 4400
    assert closed.reason


WHOLE = frame([1, 2])


@pytest.mark.parametrize(
    ("message", "code", "reason"),
    [
        (b"", 4400, "a message has a packet at least"),
        (WHOLE[:5], 4400, "it ends within the header of its packet 1"),
        (WHOLE[:-1], 4400, "it ends within the data of its packet 2"),
        (frame([1, 2**53]), 4422, "2.sequence: must be from 0 to 9007199254740991"),
        (frame([1], bytes(65_537)), 4413, "1.data: is larger than 65536 bytes"),
        (frame(range(1_001), b""), 4413, "a message has at most 1000 packets"),
        (frame([1], b"\0"), 4422, "packet 1 of main: data: has a NUL character"),
        (frame([1], b"\xff"), 4422, "packet 1 of main: data: is not UTF-8"),
    ],
)
@pytest.mark.usefixtures("nothing_stored")
async def test_a_bad_binary_message(
    service: RunningService, call_id: str, message: bytes, code: int, reason: str
) -> None:
    async with packet_client(service.url, call_id) as (socket, _):
        await socket.socket.send_bytes(message)
        assert await socket.closed() == Closed(code, reason)


@pytest.mark.parametrize(
    ("fields", "code", "word"),
    [
        ({"sequence": "1"}, 4422, "sequence"),
        ({"sequence": 1.0}, 4422, "sequence"),
        ({"sequence": True}, 4422, "sequence"),
        ({"sequence": -1}, 4422, "sequence"),
        ({"sequence": 1, "data": 5}, 4422, "data"),
        ({"sequence": 1, "stream": "a b"}, 4422, "stream"),
        ({"sequence": 1, "stream": 5}, 4422, "stream"),
        ({"sequence": 1, "colour": "red"}, 4422, "colour"),
        ({"sequence": 1, "data": "x" * 65_537}, 4413, "data"),
    ],
)
@pytest.mark.usefixtures("nothing_stored")
async def test_a_bad_text_message(
    service: RunningService, call_id: str, fields: dict[str, Any], code: int, word: str
) -> None:
    async with packet_client(service.url, call_id) as (socket, _):
        await socket.send_text(**fields)
        closed = await socket.closed()
    assert closed.code == code
    assert word in closed.reason


async def test_a_conflict_names_the_packet_and_what_came_before_it_is_stored(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    """Though they shared a delivery: a client that resends what is unacknowledged would never get past it."""
    await client.packet(call_id, 3, "first")
    async with packet_client(service.url, call_id) as (socket, _):
        await socket.send(1, 2, 3, 4)
        assert await socket.next() == ack(3)
        closed = await socket.closed()
    assert closed.code == 4409
    assert closed.reason.startswith("packet 3 of main: ")
    assert await stored(client, call_id) == [(1, "text"), (2, "text"), (3, "first")]


async def test_what_was_read_before_a_bad_message_is_stored_and_acknowledged(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    async with packet_client(service.url, call_id) as (socket, _):
        await socket.send(1, 2)
        await socket.socket.send_str("nonsense")
        await socket.send(3)
        assert await socket.next() == ack(2)
        assert (await socket.closed()).code == 4400
    assert await stored(client, call_id) == [(1, "text"), (2, "text")]


async def test_a_call_that_is_closed_takes_no_more(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    await client.packet(call_id, 1)
    await client.complete(call_id)
    life_cycle.change(service, call_id, life_cycle.archive)
    async with packet_client(service.url, call_id) as (socket, greeting):
        assert greeting["state"] == "ARCHIVED"
        await socket.send(2)
        closed = await socket.closed()
    assert closed.code == 4409
    assert "ARCHIVED" in closed.reason


async def test_a_long_reason_is_cut_within_its_bound(
    service: RunningService, client: DescribedClient
) -> None:
    call_id = "x" * 128
    await client.packet(call_id, 1, "first", stream="y" * 64)
    async with packet_client(service.url, call_id, f"?stream={'y' * 64}") as (socket, _):
        await socket.send(1)
        closed = await socket.closed()
    assert closed.code == 4409
    assert len(closed.reason) == 123


async def test_a_message_past_a_mebibyte(service: RunningService, call_id: str) -> None:
    async with packet_client(service.url, call_id) as (socket, _):
        await socket.socket.send_bytes(bytes(1024 * 1024 + 1))
        assert (await socket.closed()).code == 1009


async def test_a_message_of_a_mebibyte(
    service: RunningService, client: DescribedClient, call_id: str
) -> None:
    await client.init(call_id, media=AUDIO)
    message = frame(range(1, 17), bytes(65_000))
    message += frame([17], bytes(1024 * 1024 - len(message) - 20))
    assert len(message) == 1024 * 1024
    async with packet_client(service.url, call_id) as (socket, _):
        await socket.socket.send_bytes(message)
        assert await socket.next() == ack(17)


async def test_a_bad_message_closes_no_other_connection(service: RunningService, call_id: str) -> None:
    async with (
        packet_client(service.url, call_id) as (good, _),
        packet_client(service.url, call_id) as (bad, _),
    ):
        await bad.socket.send_str("nonsense")
        assert (await bad.closed()).code == 4400
        await good.send(1)
        assert await good.next() == ack(1)


async def test_a_client_may_ping(service: RunningService, call_id: str) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{service.url}/v1/call/stream/{call_id}/ws", autoping=False) as socket,
    ):
        await socket.receive()
        await socket.ping(b"are you there")
        async with asyncio.timeout(10):
            message = await socket.receive()
        assert (message.type, message.data) == (aiohttp.WSMsgType.PONG, b"are you there")


UPGRADE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
)


@pytest.mark.parametrize("left_out", range(4))
async def test_what_is_no_handshake(
    service: RunningService, client: DescribedClient, call_id: str, left_out: int
) -> None:
    path = f"/v1/call/stream/{call_id}/ws"
    headers = [header for place, header in enumerate(UPGRADE) if place != left_out]
    answer = await exchange(service, request_bytes("GET", path, *headers))
    client.description.check("GET", path, answer)
    assert_problem(answer, 400)
    assert "handshake" in answer.json["detail"]


@pytest.mark.parametrize(
    ("path", "field"),
    [("/v1/call/stream/a%20b/ws", "call_id"), ("/v1/call/stream/c-1/ws?stream=a%20b", "stream")],
)
async def test_a_handshake_for_what_cannot_be(client: DescribedClient, path: str, field: str) -> None:
    assert_problem(await client.get(path), 422, field)


async def test_other_methods(client: DescribedClient, call_id: str) -> None:
    answer = await client.request("POST", f"/v1/call/stream/{call_id}/ws")
    assert_problem(answer, 405)

"""Paths, methods and query parameters that lead nowhere."""

from __future__ import annotations

import base64

import pytest

from tests.http.answer import assert_problem
from tests.http.described_client import DescribedClient
from tests.http.raw_http import exchange, request_bytes
from tests.http.running_service import RunningService

pytestmark = pytest.mark.usefixtures("nothing_stored")

POSTED = ["/v1/call/init", "/v1/call/stream/c-1", "/v1/call/complete/c-1", "/v1/calls/c-1/reprocess"]
GOT = [
    "/v1/calls",
    "/v1/calls/c-1",
    "/v1/calls/c-1/packets",
    "/v1/calls/c-1/waveform",
    "/livez",
    "/readyz",
    "/metrics",
]
BAD_IDS = [
    "a%2Fb",
    "a%20b",
    "%C3%A4",
    "c-1%0A",
    "a%00b",
    "a" * 129,
    "x" * 9_000,
    "%FF",
    "%",
    "%ED%A0%80",
    "%2F",
    "...",
]


@pytest.mark.parametrize(
    "path",
    [
        "/v1",
        "/v2/calls",
        "/v1/calls/",
        "/v1/call/stream/",
        "/v1/call/stream",
        "/v1/calls/a/b",
        "/v1/calls//packets",
        "/v1/call/stream/a/b",
        "//v1/calls",
        "/V1/calls",
        "/favicon.ico",
        "/v1/calls/a/packets/",
        "/%00",
        "/v1%2Fcalls",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_unknown_path(client: DescribedClient, method: str, path: str) -> None:
    assert_problem(await client.request(method, path), 404)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"])
@pytest.mark.parametrize("path", POSTED)
async def test_a_method_that_is_not_post(client: DescribedClient, method: str, path: str) -> None:
    answer = await client.request(method, path)
    assert answer.status == 405
    assert answer.headers["Allow"] == "POST"
    if method != "HEAD":
        assert_problem(answer, 405)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE", "TRACE"])
@pytest.mark.parametrize("path", GOT)
async def test_a_method_that_is_not_get(client: DescribedClient, method: str, path: str) -> None:
    answer = await client.request(method, path)
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET"
    if method != "HEAD":
        assert_problem(answer, 405)


async def test_a_method_that_is_neither_get_nor_head(client: DescribedClient) -> None:
    answer = await client.request("POST", "/v1/calls/c-1/audio.wav")
    assert_problem(answer, 405)
    assert answer.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("given", BAD_IDS)
@pytest.mark.parametrize("route", ["/v1/calls/{}", "/v1/calls/{}/packets", "/v1/calls/{}/audio.wav"])
async def test_reading_what_no_call_can_be_called(client: DescribedClient, route: str, given: str) -> None:
    assert_problem(await client.get(route.format(given)), 404)


@pytest.mark.parametrize("given", BAD_IDS)
@pytest.mark.parametrize("route", ["/v1/call/complete/{}", "/v1/calls/{}/reprocess"])
async def test_ending_what_no_call_can_be_called(client: DescribedClient, route: str, given: str) -> None:
    assert_problem(await client.post(route.format(given)), 404)


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=1001", "limit"),
        ("limit=1e3", "limit"),
        ("limit=5.5", "limit"),
        ("limit=", "limit"),
        ("limit=ten", "limit"),
        ("limit=true", "limit"),
        ("limit=9223372036854775808", "limit"),
        ("limit=" + "9" * 5_000, "limit"),
        ("limit=%00", "limit"),
        ("limit=%D9%A3", "limit"),
        ("limit=5.0", "limit"),
        ("limit=null", "limit"),
        ("after=", "after"),
        ("after=null", "after"),
    ],
)
@pytest.mark.parametrize("route", ["/v1/calls", "/v1/calls/c-1/packets"])
async def test_query_parameters_out_of_range(
    client: DescribedClient, route: str, query: str, path: str
) -> None:
    assert_problem(await client.get(f"{route}?{query}"), 422, path)


@pytest.mark.parametrize("state", ["", "null", "completed", "COMPLETED%20", "OPEN", "%00", "COMPLETED%0A"])
async def test_an_unknown_state(client: DescribedClient, state: str) -> None:
    assert_problem(await client.get(f"/v1/calls?state={state}"), 422, "state")


def cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "after",
    [
        "nonsense",
        "*",
        "%00",
        "%C3%A4",
        "====",
        "A",
        "9" * 5_000,
        cursor("2026-01-01T00:00:00+00:00"),
        cursor("2026-01-01T00:00:00 c-1"),
        cursor("2026-01-01T00:00:00+00:00 a b"),
        cursor("2026-01-01T00:00:00+00:00 ä"),
        cursor("2026-01-01T00:00:00+00:00 a\0"),
        cursor("2026-01-01T00:00:00+00:00 a\n"),
        cursor("2026-13-01T00:00:00+00:00 c-1"),
        cursor("0001-01-01T00:00:00+23:59 c-1"),
        cursor("9999-12-31T23:59:59-23:59 c-1"),
        cursor(" c-1"),
    ],
)
async def test_cursors_of_calls_that_are_none(client: DescribedClient, after: str) -> None:
    assert_problem(await client.get(f"/v1/calls?after={after}"), 422, "after")


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"])
async def test_cursors_of_calls_at_the_ends_of_time(client: DescribedClient, moment: str) -> None:
    answer = await client.get(f"/v1/calls?after={cursor(moment + ' c-1')}")
    assert (answer.status, answer.json["next"]) == (200, None)


@pytest.mark.parametrize(
    "after",
    [
        "main",
        "main/",
        "/1",
        "main/x",
        "main/-1",
        "main/1/2",
        "a%20b/1",
        "main/%D9%A3",
        "main/" + "9" * 16,
        "main/1%0A",
        "%00/1",
        "5",
    ],
)
async def test_cursors_of_packets_that_are_none(client: DescribedClient, after: str) -> None:
    assert_problem(await client.get(f"/v1/calls/c-1/packets?after={after}"), 422, "after")


@pytest.mark.parametrize("stream", ["", "a%20b", "%00", "a" * 65, "%C3%A4"])
async def test_a_stream_that_no_stream_can_be_called(client: DescribedClient, stream: str) -> None:
    assert_problem(await client.get(f"/v1/calls/c-1/packets?stream={stream}"), 422, "stream")


@pytest.mark.parametrize(
    "sent",
    [
        request_bytes("POST", "/v1/call/init", "Content-Length: -5"),
        request_bytes("POST", "/v1/call/init", "Content-Length: 2", "Transfer-Encoding: chunked", body=b"{}"),
        request_bytes("POST", "/v1/call/init", "Transfer-Encoding: chunked", body=b"zz\r\n{}"),
        request_bytes("GET", "/v1/calls/\xff"),
        request_bytes("GET", "/" + "x" * 100_000),
        request_bytes("GET", "/livez", "X-Large: " + "x" * 100_000),
        b"nonsense\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_answered_400(service: RunningService, sent: bytes) -> None:
    """By aiohttp itself, in plain text: there is no request yet that a problem could be about."""
    assert (await exchange(service, sent)).status == 400

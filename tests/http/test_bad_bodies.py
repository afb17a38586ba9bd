"""Bodies that are refused before anyone looks at their fields. None leaves a row."""

from __future__ import annotations

import asyncio
import gzip
import zlib

import pytest

from entrypoints.http.bodies import MAX_BODY_BYTES
from tests.http.answer import Answer, assert_problem
from tests.http.described_client import DescribedClient
from tests.http.raw_http import exchange, read_answer, request_bytes
from tests.http.running_service import RunningService

pytestmark = pytest.mark.usefixtures("nothing_stored")

STREAM = "/v1/call/stream/bad-body"
ROUTES = ["/v1/call/init", STREAM, "/v1/call/complete/bad-body"]
PACKET = b'{"sequence": 1, "data": "text", "timestamp": 1}'
EACH_ROUTE = pytest.mark.parametrize("path", ROUTES)


@EACH_ROUTE
@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"{]",
        b"nonsense",
        b"'single'",
        b"{'a': 1}",
        b"{} {}",
        b'{"a": 1,}',
        b'{"sequence": 01, "data": "text", "timestamp": 1}',
        b'{"sequence": +1, "data": "text", "timestamp": 1}',
        b'{"sequence": 0x1, "data": "text", "timestamp": 1}',
        b'{"sequence": 1, "data": "text", "timestamp": NaN}',
        b'{"sequence": 1, "data": "text", "timestamp": Infinity}',
        b'{"sequence": 1, "data": "text", "timestamp": -Infinity}',
        b'{"sequence": 1, "data": "text", "timestamp": 1e400}',
        b'{"sequence": 1, "data": "\x00", "timestamp": 1}',
        b'{"sequence": 1, "data": "\\ud800", "timestamp": 1}',
        b'{"sequence": 1, "data": "\\udc00\\ud800", "timestamp": 1}',
        b'{"sequence": 1, "data": "\xff", "timestamp": 1}',
        b'{"sequence": 1, "data": "\xed\xa0\x80", "timestamp": 1}',
        b'{"sequence": 1, "data": "\xc0\x80", "timestamp": 1}',
        b"\xef\xbb\xbf" + PACKET,
        PACKET.decode().encode("utf-16"),
        b"[" * 100_000,
        b"[" * 5_000 + b"]" * 5_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        gzip.compress(PACKET, mtime=0),
        b" " * 10,
    ],
)
async def test_what_is_no_json(client: DescribedClient, path: str, raw: bytes) -> None:
    assert_problem(await client.send(path, raw), 400)


@pytest.mark.parametrize("path", ROUTES[:2])
async def test_no_body_where_one_is_needed(client: DescribedClient, path: str) -> None:
    assert_problem(await client.send(path, b""), 400)


@EACH_ROUTE
@pytest.mark.parametrize("raw", [b"null", b"true", b"1", b'"text"', b"[]", b"[{}]", b"[" * 900 + b"]" * 900])
async def test_json_that_is_no_object(client: DescribedClient, path: str, raw: bytes) -> None:
    assert_problem(await client.send(path, raw), 422, "")


@EACH_ROUTE
@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/octet-stream",
        "application/problem+json",
        "application/json-patch+json",
        "text/json",
        "json",
        "",
        "application/json; charset=iso-8859-1",
        "application/json; charset=utf-16",
        "application/json; charset=nonsense",
    ],
)
async def test_another_content_type_or_charset(client: DescribedClient, path: str, content_type: str) -> None:
    assert_problem(await client.send(path, PACKET, Content_Type=content_type), 415)


@EACH_ROUTE
async def test_no_content_type(service: RunningService, client: DescribedClient, path: str) -> None:
    sent = request_bytes("POST", path, f"Content-Length: {len(PACKET)}", body=PACKET)
    answer = await exchange(service, sent)
    client.description.check("POST", path, answer)
    assert_problem(answer, 415)


@EACH_ROUTE
@pytest.mark.parametrize(
    ("encoding", "raw"),
    [
        ("gzip", gzip.compress(PACKET, mtime=0)),
        ("deflate", zlib.compress(PACKET)),
        ("gzip", PACKET),
        ("br", PACKET),
        ("zstd", PACKET),
        ("identity, gzip", PACKET),
        ("GZIP", gzip.compress(b"0" * 10_000_000, mtime=0)),
    ],
)
async def test_a_content_encoding(client: DescribedClient, path: str, encoding: str, raw: bytes) -> None:
    assert_problem(await client.send(path, raw, Content_Encoding=encoding), 415)


async def send_whole(service: RunningService, client: DescribedClient, path: str, sent: bytes) -> Answer:
    """A client that does not look at the answer before it has sent everything."""
    answer = await exchange(service, sent)
    client.description.check("POST", path, answer)
    return answer


def with_length(path: str, body: bytes) -> bytes:
    headers = ("Content-Type: application/json", f"Content-Length: {len(body)}")
    return request_bytes("POST", path, *headers, body=body)


@EACH_ROUTE
async def test_ten_megabytes_with_their_length_told(
    service: RunningService, client: DescribedClient, path: str
) -> None:
    sent = with_length(path, b" " * 10_000_000)
    assert_problem(await send_whole(service, client, path, sent), 413)


@EACH_ROUTE
async def test_ten_megabytes_without(service: RunningService, client: DescribedClient, path: str) -> None:
    chunk = b"186a0\r\n" + b" " * 100_000 + b"\r\n"
    headers = ("Content-Type: application/json", "Transfer-Encoding: chunked")
    sent = request_bytes("POST", path, *headers, body=chunk * 100 + b"0\r\n\r\n")
    assert_problem(await send_whole(service, client, path, sent), 413)


async def test_a_length_that_no_body_follows_is_refused_unread(
    service: RunningService, client: DescribedClient
) -> None:
    answer = await exchange(
        service, request_bytes("POST", STREAM, "Content-Type: application/json", f"Content-Length: {10**15}")
    )
    client.description.check("POST", STREAM, answer)
    assert_problem(answer, 413)


async def test_one_byte_too_many(service: RunningService, client: DescribedClient) -> None:
    largest, too_large = (with_length(STREAM, b"{}".ljust(MAX_BODY_BYTES + more)) for more in (0, 1))
    answer = await send_whole(service, client, STREAM, largest)
    assert_problem(answer, 422, "sequence", "data", "timestamp")
    assert_problem(await send_whole(service, client, STREAM, too_large), 413)


async def ask_first(service: RunningService, length: int) -> tuple[bytes, Answer]:
    """What comes before the body is sent, and after it where it was asked for."""
    sent = request_bytes(
        "POST", STREAM, "Content-Type: application/json", f"Content-Length: {length}", "Expect: 100-continue"
    )
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(service.host, service.port)
        writer.write(sent)
        first = await reader.readline()
        if first == b"HTTP/1.1 100 Continue\r\n":
            await reader.readline()
            writer.write(b"x" * length)
            answer = await read_answer(reader)
        else:
            rest = asyncio.StreamReader()
            rest.feed_data(first + await reader.readuntil(b"\r\n\r\n") + await reader.read(10_000))
            answer = await read_answer(rest)
        writer.close()
    return first, answer


async def test_a_client_that_asks_first_is_asked_for_its_body(service: RunningService) -> None:
    first, answer = await ask_first(service, 10)
    assert first.startswith(b"HTTP/1.1 100 ")
    assert_problem(answer, 400)


async def test_a_client_that_asks_first_does_not_send_ten_megabytes_in_vain(service: RunningService) -> None:
    first, answer = await ask_first(service, 10_000_000)
    assert first.startswith(b"HTTP/1.1 413 ")
    assert_problem(answer, 413)


async def test_an_unknown_expectation_is_ignored(client: DescribedClient) -> None:
    assert_problem(await client.send(STREAM, b"{", Expect="a-miracle"), 400)

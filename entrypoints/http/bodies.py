"""Reading a request's body: bounded in size and time, JSON and nothing else."""

from __future__ import annotations

import asyncio
from typing import Any, Final, TypeVar

import attrs
import orjson
from aiohttp import HttpVersion11, web

from entrypoints.http.packet_lines import MAX_LINES_BYTES, NDJSON
from entrypoints.http.problems import UnreadableBody
from entrypoints.http.structuring import structure

MAX_BODY_BYTES: Final = 1024 * 1024
BODY_SECONDS: Final = 30
"""A body that takes longer is given up: its sender has stalled."""

Body = TypeVar("Body", bound=attrs.AttrsInstance)


async def read_body(request: web.Request, kind: type[Body]) -> Body:
    """The body as an instance of ``kind``. Raises UnreadableBody, MalformedBody."""
    _check_headers(request)
    return _structured(await _read(request, MAX_BODY_BYTES), kind)


async def read_lines(request: web.Request) -> bytes:
    """A body of packets, a line each. Raises UnreadableBody."""
    _check_headers(request, NDJSON)
    return await _read(request, MAX_LINES_BYTES)


async def read_optional_body(request: web.Request, kind: type[Body], default: Body) -> Body:
    """The same, with ``default`` for a request that has no body."""
    if not request.can_read_body:
        return default
    raw = await _read(request, MAX_BODY_BYTES)
    if not raw:
        return default
    _check_headers(request)
    return _structured(raw, kind)


def _check_headers(request: web.Request, media_type: str = "application/json") -> None:
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnreadableBody(415, "Unsupported content encoding", "send the body without a Content-Encoding")
    if "Content-Type" not in request.headers or request.content_type != media_type:
        raise UnreadableBody(415, "Unsupported media type", f"send {media_type}")
    if (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise UnreadableBody(415, "Unsupported charset", "send UTF-8")


async def meet_expectation(request: web.Request) -> None:
    """Ask for the body where the client waits to be asked; an expectation of another kind is ignored."""
    asked_for = request.headers.get("Expect", "").lower() == "100-continue"
    if asked_for and request.version >= HttpVersion11 and (request.content_length or 0) <= MAX_LINES_BYTES:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # it is no part of the answer


async def _read(request: web.Request, most_bytes: int) -> bytes:
    if (request.content_length or 0) > most_bytes:
        raise _too_large(most_bytes)
    if request.content.is_eof():  # small bodies come with their headers
        whole = request.content.read_nowait()
        if len(whole) > most_bytes:
            raise _too_large(most_bytes)
        return whole
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > most_bytes:
                    raise _too_large(most_bytes)
    except TimeoutError:
        raise UnreadableBody(408, "Body too slow", f"the body took over {BODY_SECONDS} s") from None
    return bytes(body)


def _too_large(most_bytes: int) -> UnreadableBody:
    return UnreadableBody(413, "Body too large", f"a body has at most {most_bytes} bytes")


def _structured(raw: bytes, kind: type[Body]) -> Body:
    try:
        body: Any = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise UnreadableBody(400, "Not JSON", str(error)) from None
    structured: Body = structure(body, kind)
    return structured

"""Reading a request's body: bounded in size and time, JSON and nothing else."""

from __future__ import annotations

import asyncio
from typing import Any, Final, TypeVar

import attrs
import orjson
from aiohttp import HttpVersion11, web

from entrypoints.http.problems import UnreadableBody
from entrypoints.http.wire import structure

MAX_BODY_BYTES: Final = 1024 * 1024
BODY_SECONDS: Final = 30
"""A body that takes longer is given up: its sender has stalled."""

Body = TypeVar("Body", bound=attrs.AttrsInstance)


async def read_body(request: web.Request, kind: type[Body]) -> Body:
    """The body as an instance of ``kind``. Raises UnreadableBody, MalformedBody."""
    _check_headers(request)
    return _structured(await _read(request), kind)


async def read_optional_body(request: web.Request, kind: type[Body], default: Body) -> Body:
    """The same, with ``default`` for a request that has no body."""
    if not request.can_read_body:
        return default
    raw = await _read(request)
    if not raw:
        return default
    _check_headers(request)
    return _structured(raw, kind)


def _check_headers(request: web.Request) -> None:
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnreadableBody(415, "Unsupported content encoding", "send the body without a Content-Encoding")
    if "Content-Type" not in request.headers or request.content_type != "application/json":
        raise UnreadableBody(415, "Unsupported media type", "send application/json")
    if (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise UnreadableBody(415, "Unsupported charset", "send UTF-8")


async def meet_expectation(request: web.Request) -> None:
    """Ask for the body where the client waits to be asked; an expectation of another kind is ignored."""
    asked_for = request.headers.get("Expect", "").lower() == "100-continue"
    if asked_for and request.version >= HttpVersion11 and (request.content_length or 0) <= MAX_BODY_BYTES:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # it is no part of the answer


async def _read(request: web.Request) -> bytes:
    too_large = UnreadableBody(413, "Body too large", f"a body has at most {MAX_BODY_BYTES} bytes")
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise too_large
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise too_large from None
    except TimeoutError:
        raise UnreadableBody(408, "Body too slow", f"the body took over {BODY_SECONDS} s") from None


def _structured(raw: bytes, kind: type[Body]) -> Body:
    try:
        body: Any = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise UnreadableBody(400, "Not JSON", str(error)) from None
    structured: Body = structure(body, kind)
    return structured

"""A WAV file as an answer: the whole, or a range of its bytes (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from aiohttp import ETag, hdrs, web

from application.ports import WavFile

_ONE_RANGE: Final = re.compile(r"bytes=([0-9]{0,100})-([0-9]{0,100})", re.IGNORECASE)


async def wav_answer(request: web.Request, wav: WavFile) -> web.StreamResponse:
    """Ranges are only of a file that has a version: parts of what can change might not fit together."""
    headers = _headers(wav)
    if request.if_match is not None and not _is_named(wav, request.if_match, weakly=False):
        raise web.HTTPPreconditionFailed
    if request.if_none_match is not None and _is_named(wav, request.if_none_match, weakly=True):
        return web.Response(status=304, headers=headers)
    wanted = _wanted(request, wav)
    response = web.StreamResponse(headers=headers)
    if wanted is not None:
        response.set_status(206)
        response.headers[hdrs.CONTENT_RANGE] = f"bytes {wanted.start}-{wanted.stop - 1}/{wav.byte_count}"
    sent = range(wav.byte_count) if wanted is None else wanted
    response.content_type = "audio/wav"
    response.content_length = len(sent)
    await response.prepare(request)
    if request.method != hdrs.METH_HEAD:
        async for chunk in wav.chunks(sent.start, sent.stop):
            await response.write(chunk)
    await response.write_eof()
    return response


def _headers(wav: WavFile) -> dict[str, str]:
    if wav.version is None:
        return {hdrs.ACCEPT_RANGES: "none"}
    return {hdrs.ACCEPT_RANGES: "bytes", "ETag": f'"{wav.version}"'}


def _is_named(wav: WavFile, tags: Iterable[ETag], *, weakly: bool) -> bool:
    return any(tag.value in ("*", wav.version) and (weakly or not tag.is_weak) for tag in tags)


def _wanted(request: web.Request, wav: WavFile) -> range | None:
    """None for the whole, also where several ranges are asked for, or none that is well-formed."""
    asked = _ONE_RANGE.fullmatch(", ".join(request.headers.getall(hdrs.RANGE, ())))
    if asked is None or wav.version is None or request.method != hdrs.METH_GET:
        return None
    etag = f'"{wav.version}"'
    if request.headers.get(hdrs.IF_RANGE, etag) != etag:
        return None
    first, last = (int(digits) if digits else None for digits in asked.groups())
    if (first is None and last is None) or (first is not None and last is not None and last < first):
        return None
    size = wav.byte_count
    wanted = range(max(0, size - (last or 0)), size) if first is None else range(first, _after(last, size))
    if not wanted:
        raise web.HTTPRequestRangeNotSatisfiable(headers={hdrs.CONTENT_RANGE: f"bytes */{size}"})
    return wanted


def _after(last: int | None, size: int) -> int:
    return size if last is None else min(last + 1, size)

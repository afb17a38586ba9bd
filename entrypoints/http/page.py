"""The supervisor's page, as it was built into `entrypoints/page/dist`."""

from __future__ import annotations

import gzip
import hashlib
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

import attrs
from aiohttp import hdrs, web

PAGE_ROUTE: Final = "/"
ASSET_ROUTE: Final = "/assets/{name}"

_POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "media-src 'self' blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
_SECURITY: Final = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_MEDIA_TYPES: Final = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".woff2": "font/woff2",
}
_TEXT: Final = {"text/html", "text/javascript", "text/css"}
_FOR_EVER: Final = "public, max-age=31536000, immutable"


@attrs.frozen
class PageFile:
    """``compressed`` by gzip, where that makes it smaller."""

    media_type: str
    content: bytes
    compressed: bytes | None
    etag: str


class PageHandlers:
    """Files are read and compressed once: there are few, and they do not change."""

    def __init__(self) -> None:
        dist = files("entrypoints") / "page" / "dist"
        self._index = _read(dist / "index.html")
        self._assets = {asset.name: _read(asset) for asset in (dist / "assets").iterdir()}

    async def page(self, request: web.Request) -> web.Response:
        return _answer(request, self._index, "no-cache")

    async def asset(self, request: web.Request) -> web.Response:
        """A file's name changes with its content, so that it may be kept for ever."""
        asset = self._assets.get(request.match_info["name"])
        if asset is None:
            raise web.HTTPNotFound
        return _answer(request, asset, _FOR_EVER)


def _read(file: Traversable) -> PageFile:
    content = file.read_bytes()
    media_type = _MEDIA_TYPES[f".{file.name.rpartition('.')[2]}"]
    compressed = gzip.compress(content, mtime=0) if media_type in _TEXT else None
    return PageFile(media_type, content, compressed, hashlib.sha256(content).hexdigest()[:32])


def _answer(request: web.Request, file: PageFile, caching: str) -> web.Response:
    headers = {hdrs.CACHE_CONTROL: caching, hdrs.VARY: hdrs.ACCEPT_ENCODING, **_SECURITY}
    if any(etag.value == file.etag for etag in request.if_none_match or ()):
        response = web.Response(status=304, headers=headers)
    else:
        body = file.content
        if file.compressed is not None and "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
            body = file.compressed
            headers[hdrs.CONTENT_ENCODING] = "gzip"
        charset = "utf-8" if file.media_type in _TEXT else None
        response = web.Response(body=body, headers=headers, content_type=file.media_type, charset=charset)
    response.etag = file.etag
    return response

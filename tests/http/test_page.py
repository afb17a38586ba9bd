"""The supervisor's page, as files."""

from __future__ import annotations

import gzip
import re
from typing import Any

import aiohttp
import pytest

from tests.http.running_service import RunningService

FIRST_LOAD_BYTES = 300_000
_ASSET = re.compile(r'(?:src|href)="(/assets/[^"]+)"')


async def get(service: RunningService, path: str, **headers: str) -> tuple[aiohttp.ClientResponse, bytes]:
    """Not decompressed."""
    async with (
        aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=["Accept-Encoding"]) as session,
        session.get(service.url + path, headers=headers) as answer,
    ):
        return answer, await answer.read()


async def assets(service: RunningService) -> list[str]:
    """What index.html names."""
    _, body = await get(service, "/")
    return _ASSET.findall(body.decode())


async def test_it_is_under_a_strict_policy(service: RunningService) -> None:
    answer, _ = await get(service, "/")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert policy.pop("img-src") == "'self' data:"
    assert policy.pop("media-src") == "'self' blob:"
    assert {policy.pop(name) for name in ("script-src", "style-src", "font-src", "connect-src")} == {"'self'"}
    assert policy.keys() == {"default-src", "base-uri", "form-action", "frame-ancestors"}
    assert set(policy.values()) == {"'none'"}
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_the_page_is_asked_for_again_and_its_parts_are_kept(service: RunningService) -> None:
    page, _ = await get(service, "/")
    assert page.headers["Cache-Control"] == "no-cache"
    again, body = await get(service, "/", **{"If-None-Match": page.headers["ETag"]})
    assert (again.status, body) == (304, b"")
    for name in await assets(service):
        asset, _ = await get(service, name)
        assert asset.status == 200
        assert asset.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert re.search(r"-[A-Z0-9]{8}\.(js|css|woff2)$", name)


async def test_the_first_load_is_small_even_uncompressed(service: RunningService) -> None:
    names = await assets(service)
    first = {name async for name in _with_imports(service, names)}
    assert len(first) >= 4  # a script and what it imports, a style, a font
    loaded = [(await get(service, path))[1] for path in ("/", *first)]
    assert sum(len(body) for body in loaded) < FIRST_LOAD_BYTES


async def _with_imports(service: RunningService, names: list[str]) -> Any:
    for name in names:
        yield name
        if name.endswith(".js"):
            _, body = await get(service, name)
            for imported in re.findall(r'from"\./([^"]+)"', body.decode()):
                yield f"/assets/{imported}"


async def test_text_is_compressed_for_those_who_take_it(service: RunningService) -> None:
    (script, *_) = [name for name in await assets(service) if name.endswith(".js")]
    plain, whole = await get(service, script)
    small, compressed = await get(service, script, **{"Accept-Encoding": "gzip, deflate"})
    assert "Content-Encoding" not in plain.headers
    assert small.headers["Content-Encoding"] == "gzip"
    assert small.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(compressed) == whole
    assert len(compressed) < len(whole) / 2


@pytest.mark.parametrize("name", ["missing.js", "..%2Findex.html", "%2e%2e/index.html"])
async def test_there_is_nothing_else(service: RunningService, name: str) -> None:
    answer, _ = await get(service, f"/assets/{name}")
    assert answer.status == 404

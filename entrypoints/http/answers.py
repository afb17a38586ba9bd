"""Answers as JSON."""

from __future__ import annotations

import attrs
import orjson
from aiohttp import web

from entrypoints.http.structuring import converter


def json_answer(body: attrs.AttrsInstance, status: int = 200) -> web.Response:
    return web.Response(
        status=status, body=orjson.dumps(converter.unstructure(body)), content_type="application/json"
    )

"""The ceiling of one packet per POST: an aiohttp handler that parses the same body and stores nothing."""

from __future__ import annotations

import sys

import orjson
import uvloop
from aiohttp import web


async def ready(request: web.Request) -> web.Response:
    return web.Response()


async def init(request: web.Request) -> web.Response:
    return _answer({"status": "started", "call_id": orjson.loads(await request.read())["call_id"]}, 201)


async def stream(request: web.Request) -> web.Response:
    """The same answer as Trunkline's, of the same length."""
    packet = orjson.loads(await request.read())
    receipt = {
        "status": "accepted",
        "call_id": request.match_info["call_id"],
        "stream": "main",
        "sequence": packet["sequence"],
        "next_expected": packet["sequence"] + 1,
        "missing": [],
    }
    return _answer(receipt, 202)


def _answer(body: object, status: int) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")


def main() -> None:
    application = web.Application()
    application.router.add_get("/readyz", ready)
    application.router.add_post("/v1/call/init", init)
    application.router.add_post("/v1/call/stream/{call_id}", stream)
    web.run_app(
        application,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        access_log=None,
        print=None,
        backlog=1024,
        loop=uvloop.new_event_loop(),
    )


if __name__ == "__main__":
    main()

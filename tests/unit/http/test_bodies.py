"""How long a body may take. The clock is moved on, so that nobody waits."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from entrypoints.http import wire
from entrypoints.http.bodies import BODY_SECONDS, read_body, read_optional_body
from entrypoints.http.problems import UnreadableBody
from tests.unit.http.movable_clock import MovableClock


async def _stalled(refusals: list[UnreadableBody], *, optional: bool) -> None:
    """A sender that stalls after the first byte of its body."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, MovableClock)
    reading = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        reading.set()
        try:
            if optional:
                await read_optional_body(request, wire.CompleteRequest, wire.CompleteRequest())
            else:
                await read_body(request, wire.CompleteRequest)
        except UnreadableBody as refusal:
            refusals.append(refusal)
            raise web.HTTPRequestTimeout from refusal
        return web.Response()

    application = web.Application()
    application.router.add_post("/", handler)
    server = web.AppRunner(application, access_log=None, lingering_time=0)
    await server.setup()
    await web.TCPSite(server, "127.0.0.1", 0).start()
    reader, writer = await asyncio.open_connection(*server.addresses[0][:2])
    writer.write(
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{"
    )
    await reading.wait()
    loop.moved_seconds += BODY_SECONDS - 1
    await asyncio.sleep(0.05)
    assert not refusals, "it was given up too early"
    loop.moved_seconds += 1
    assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
    assert await reader.read() != b"", "the rest of the answer, and then the connection is closed"
    writer.close()
    await server.cleanup()


@pytest.mark.parametrize("optional", [False, True])
def test_a_body_that_never_ends_is_given_up(*, optional: bool) -> None:
    refusals: list[UnreadableBody] = []
    with asyncio.Runner(loop_factory=MovableClock) as runner:
        runner.run(asyncio.wait_for(_stalled(refusals, optional=optional), BODY_SECONDS + 5))
    assert [refusal.status for refusal in refusals] == [408]

"""The HTTP generators against a small server."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from benchmarks.latencies import Histogram
from benchmarks.load.calls import begin_calls
from benchmarks.load.closed_loop import ClosedLoop, accepted_of
from benchmarks.load.http_connection import LoadFailed, request
from benchmarks.load.steady import CONNECTIONS, SteadyLoad
from benchmarks.measurement import NotMeasured, Why
from tests.unit.benchmarks.small_server import serving
from tests.waiting import until

ONE = request("POST", "/v1/call/stream/c-1", b"{}")


def first_of(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def test_a_steady_load_sends_as_many_as_are_due_and_counts_them_after_warming_up() -> None:
    async def answer(request: web.Request) -> web.Response:
        numbers.append(await request.text())
        return web.Response(status=202)

    def numbered(number: int) -> bytes:
        return request("POST", "/v1/call/stream/c-1", str(number).encode())

    numbers: list[str] = []
    async with serving(stream=answer) as port:
        result = await SteadyLoad(numbered, 500, frozenset({202})).run(port, 0.1, 0.3)
    assert (result.accepted, result.refused, result.unanswered) == (200, 0, 0)
    assert result.latencies.count == 150
    assert sorted(map(int, numbers)) == list(range(200))


async def test_a_stall_counts_for_every_request_that_was_due_meanwhile() -> None:
    """A generator that waits for answers before it asks again would see one slow answer here."""

    async def answer(request: web.Request) -> web.Response:
        if not arrived:
            asyncio.get_running_loop().call_later(0.4, running.set)
        arrived.append(request)
        await running.wait()
        return web.Response(status=202)

    arrived: list[web.Request] = []
    running = asyncio.Event()
    async with serving(stream=answer) as port:
        result = await SteadyLoad(lambda _: ONE, 500, frozenset({202})).run(port, 0, 0.6)
    assert 2 * CONNECTIONS < 500 * 0.4, "more were due than there are connections"
    assert result.accepted == 300
    assert result.latencies.p50_ms > 40, "those without a connection waited too"
    assert result.latencies.max_ms >= 390


async def test_latencies_go_where_they_are_wanted_when_a_request_is_due() -> None:
    """The answers to what is stalled come when others are wanted already."""

    async def answer(request: web.Request) -> web.Response:
        arrived.append(request)
        await running.wait()
        return web.Response(status=202)

    arrived: list[web.Request] = []
    running = asyncio.Event()
    stalled, later = Histogram(), Histogram()
    load = SteadyLoad(lambda _: ONE, 500, frozenset({202}))
    async with serving(stream=answer) as port:
        loading = asyncio.create_task(load.run(port, 0, 60))
        await until(lambda: bool(arrived))
        load.count_in(stalled)
        stalled_from = load._offered
        await until(lambda: len(arrived) == CONNECTIONS)
        load.count_in(None)
        stalled_to = load._offered
        await until(lambda: load._offered >= stalled_to + 50)
        load.count_in(later)
        later_from = load._offered
        running.set()
        await until(lambda: later.count > 0)
        load.stop()
        result = await loading
    assert result.unanswered == 0
    assert stalled.count == stalled_to - stalled_from
    assert later.count == result.accepted - later_from


async def test_what_is_refused_is_not_accepted() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=503)

    async with serving(stream=answer) as port:
        result = await SteadyLoad(lambda _: ONE, 500, frozenset({202})).run(port, 0, 0.05)
    assert (result.accepted, result.refused) == (0, 25)


async def test_a_server_that_hangs_up_leaves_requests_unanswered() -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with serving(stream=answer) as port:
        result = await SteadyLoad(lambda _: ONE, 1000, frozenset({202})).run(port, 0, 0.1)
    assert result.unanswered == 100


async def test_a_closed_loop_counts_what_its_answers_acknowledge() -> None:
    async def answer(request: web.Request) -> web.Response:
        bodies.append(await request.text())
        return web.json_response({"accepted": 1000, "duplicates": 0}, status=202)

    bodies: list[str] = []
    async with serving(stream=answer) as port:
        loop = ClosedLoop(202, accepted_of, "NDJSON")
        result = await loop.run(port, [lambda: ONE] * 3, 0.05, 0.1)
    assert result.acknowledged == 1000 * len(bodies)
    assert 0 < result.in_time < result.acknowledged
    assert result.latencies.count * 1000 == result.in_time


async def test_a_server_without_ndjson_does_not_serve_it() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=415)

    async with serving(stream=answer) as port:
        with pytest.raises(ExceptionGroup) as refused:
            await ClosedLoop(202, accepted_of, "NDJSON").run(port, [lambda: ONE], 0, 30)
    reason = first_of(refused.value)
    assert isinstance(reason, NotMeasured)
    assert (reason.why, reason.detail) == (Why.NOT_SERVED, "NDJSON is answered 415")


async def test_a_call_that_cannot_be_begun_ends_the_measurement() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=503, text="not now")

    async with serving(**{"v1/call/init": answer}) as port:
        with pytest.raises(ExceptionGroup) as refused:
            await begin_calls(port, ["c-1", "c-2"])
    assert isinstance(first_of(refused.value), LoadFailed)
    assert "503" in str(first_of(refused.value))

"""A process and its supervisor hear of each other's death."""

from __future__ import annotations

import asyncio
import socket

from entrypoints.membership import Membership
from tests.waiting import until


def tied() -> tuple[Membership, socket.socket]:
    """The member's side, and the supervisor's."""
    ours, theirs = socket.socketpair()
    ours.settimeout(10)
    return Membership(1, theirs.detach()), ours


async def test_it_tells_that_it_listens_and_hears_what_to_do() -> None:
    membership, supervisor = tied()
    heard: list[str] = []
    async with membership.kept(lambda: heard.append("stop"), lambda: heard.append("hurry")):
        assert await asyncio.to_thread(supervisor.recv, 1) == b"l"
        supervisor.send(b"s")
        await until(lambda: heard == ["stop"])
        supervisor.send(b"h")
        await until(lambda: heard == ["stop", "hurry"])
    assert await asyncio.to_thread(supervisor.recv, 1) == b""
    supervisor.close()


async def test_a_supervisor_that_is_gone_says_stop() -> None:
    membership, supervisor = tied()
    stop = asyncio.Event()
    async with membership.kept(stop.set, lambda: None), asyncio.timeout(10):
        supervisor.close()
        await stop.wait()


async def test_a_supervisor_that_went_before_says_stop_too() -> None:
    membership, supervisor = tied()
    supervisor.close()
    stop = asyncio.Event()
    async with membership.kept(stop.set, lambda: None), asyncio.timeout(10):
        await stop.wait()

"""Several processes that live and end together. They are real ones, but do nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest
from structlog.testing import capture_logs

from entrypoints.membership import Membership
from entrypoints.supervisor import Supervisor
from tests.fakes import member
from tests.waiting import until


@attrs.frozen
class Members:
    """``behaviours`` by number; those that are not named serve as they should."""

    folder: Path
    behaviours: dict[int, str]

    def command(self, membership: Membership) -> list[str]:
        return [
            sys.executable, "-S", member.__file__, str(self.folder), str(membership.number),
            str(membership.socket_number), self.behaviours.get(membership.number, "serves"),
        ]  # fmt: skip

    def pids(self, event: str, number: int | str = "*") -> list[int]:
        return [int(path.name.split(".")[1]) for path in self.folder.glob(f"{number}.*.{event}")]


@pytest.fixture
def members(tmp_path: Path) -> Members:
    return Members(tmp_path, {})


@asynccontextmanager
async def supervised(
    members: Members, processes: int, patience_seconds: float = 20
) -> AsyncIterator[tuple[Supervisor, asyncio.Task[int]]]:
    supervisor = Supervisor(
        members.command, processes=processes, environment=os.environ, patience_seconds=patience_seconds
    )
    running = asyncio.create_task(supervisor.run())
    try:
        yield supervisor, running
    finally:
        supervisor.stop()
        supervisor.stop()
        async with asyncio.timeout(20):
            await running


async def test_all_begin_and_all_are_stopped(members: Members) -> None:
    async with supervised(members, 3) as (supervisor, running):
        await until(lambda: len(members.pids("listened")) == 3)
        supervisor.stop()
        assert await running == 0
    assert sorted(members.pids("stop")) == sorted(members.pids("began"))


async def test_the_others_begin_once_the_first_listens(members: Members) -> None:
    members.behaviours[1] = "starts for ever"
    async with supervised(members, 3) as (supervisor, running):
        await until(lambda: bool(members.pids("began", 1)))
        supervisor.stop()
        assert await running == 0, "one that had hardly begun ends by the signal, and that is well"
    assert len(members.pids("began")) == 1


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_all_and_a_second_hurries_them(
    members: Members, signal_number: signal.Signals
) -> None:
    members.behaviours.update({1: "takes its time", 2: "takes its time"})
    async with supervised(members, 2) as (_, running):
        await until(lambda: len(members.pids("listened")) == 2)
        os.kill(os.getpid(), signal_number)
        await until(lambda: len(members.pids("stop")) == 2)
        assert not running.done()
        os.kill(os.getpid(), signal_number)
        assert await running == 0
    assert len(members.pids("hurry")) == 2


async def test_one_that_is_killed_is_replaced_under_its_number(members: Members) -> None:
    async with supervised(members, 2) as (supervisor, running):
        await until(lambda: len(members.pids("listened")) == 2)
        (killed,) = members.pids("listened", 2)
        os.kill(killed, signal.SIGKILL)
        await until(lambda: len(members.pids("listened", 2)) == 2)
        await until(lambda: supervisor._listening == {1, 2})  # or it would be told by a signal
        assert len(members.pids("began", 1)) == 1
        supervisor.stop()
        assert await running == 0
    assert len(members.pids("stop")) == 2


async def test_one_that_dies_again_and_again_is_begun_ever_later(members: Members) -> None:
    members.behaviours[2] = "dies"
    with capture_logs() as logged:
        async with supervised(members, 2) as (supervisor, running):
            await until(lambda: len(members.pids("listened", 2)) == 3)
            supervisor.stop()
            await running
    ends = [line for line in logged if line["event"] == "process_ended"]
    assert [(end["number"], end["status"]) for end in ends[:2]] == [(2, 7)] * 2
    assert [end["again_in_seconds"] for end in ends[:2]] == [0.5, 1]


async def test_stopping_does_not_wait_for_a_back_off(members: Members) -> None:
    members.behaviours[2] = "dies"
    with capture_logs() as logged:
        async with supervised(members, 2) as (supervisor, running):
            await until(lambda: len([line for line in logged if line["event"] == "process_ended"]) == 3)
            began = time.monotonic()
            supervisor.stop()
            assert await running == 0
            assert time.monotonic() - began < 1, "it was to wait for two seconds"


async def test_where_the_first_cannot_start_none_is_begun_and_all_ends(members: Members) -> None:
    members.behaviours[1] = "refuses"
    async with supervised(members, 3) as (_, running):
        assert await running == 1
    assert len(members.pids("began")) == 1, "its one line is said once"


async def test_where_one_cannot_start_at_first_all_end(members: Members) -> None:
    members.behaviours[2] = "refuses"
    async with supervised(members, 2) as (_, running):
        assert await running == 1
    assert members.pids("stop") == members.pids("began", 1)
    assert len(members.pids("began", 2)) == 1


async def test_one_that_cannot_start_any_more_is_tried_again_while_another_serves(members: Members) -> None:
    members.behaviours[2] = "refuses from the second time on"
    async with supervised(members, 2) as (_, running):
        await until(lambda: len(members.pids("listened")) == 2)
        os.kill(members.pids("listened", 2)[0], signal.SIGKILL)
        await until(lambda: len(members.pids("began", 2)) == 3)
        assert not running.done()


async def test_where_none_serves_and_none_can_start_all_ends(members: Members) -> None:
    members.behaviours.update(dict.fromkeys((1, 2), "refuses from the second time on"))
    async with supervised(members, 2) as (_, running):
        await until(lambda: len(members.pids("listened")) == 2)
        for pid in members.pids("listened"):
            os.kill(pid, signal.SIGKILL)
        assert await running == 1


async def test_one_that_is_killed_while_it_starts_is_no_reason_to_end(members: Members) -> None:
    members.behaviours[2] = "is killed at start"
    async with supervised(members, 2) as (_, running):
        await until(lambda: len(members.pids("began", 2)) == 2)
        assert not running.done()


async def test_one_that_does_not_end_in_time_is_killed_and_told(members: Members) -> None:
    members.behaviours[2] = "is deaf"
    async with supervised(members, 2, patience_seconds=0.3) as (supervisor, running):
        await until(lambda: len(members.pids("listened")) == 2)
        supervisor.stop()
        assert await running == 1
    assert len(members.pids("stop", 1)) == 1


async def test_one_that_ends_badly_is_told(members: Members) -> None:
    members.behaviours[2] = "ends badly"
    async with supervised(members, 2) as (supervisor, running):
        await until(lambda: len(members.pids("listened")) == 2)
        supervisor.stop()
        assert await running == 1


async def test_a_command_that_is_not_there_ends_all() -> None:
    supervisor = Supervisor(
        lambda _: ["/no/such/command"], processes=2, environment=os.environ, patience_seconds=1
    )
    with capture_logs() as logged:
        assert await supervisor.run() == 1
    assert [line["event"] for line in logged] == ["process_not_begun"]

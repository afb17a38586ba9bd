"""Both simulators as processes of their own, ended by signals."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.http.simulators.fake_trunkline import FakeTrunkline

LAUNCH = """
import argparse, asyncio, sys
from entrypoints.simulators import {command} as command
parser = argparse.ArgumentParser()
command.configure(parser)
sys.exit(asyncio.run(command.run(parser.parse_args())))
"""


@asynccontextmanager
async def running(command: str, *arguments: str) -> AsyncIterator[Process]:
    launch = LAUNCH.format(command=command)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", launch, *arguments, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_ai_says_where_it_is_and_ends_with_0_even_while_it_answers(
    number: signal.Signals, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger"
    arguments = ("--port", "0", "--latency", "60", "60", "--ledger", str(ledger))
    async with running("ai_command", *arguments) as process, aiohttp.ClientSession() as session:
        assert process.stdout is not None
        introduction = (await process.stdout.readline()).decode()
        found = re.search(r"no real model.*(http://127\.0\.0\.1:\d+/v1)$", introduction.strip())
        assert found, introduction
        assert re.search(rb"25% with 503.*seed \d+", await process.stdout.readline())
        slow = asyncio.create_task(
            session.post(
                f"{found[1]}/chat/completions",
                json={"model": "m", "messages": [{"role": "user", "content": "hello"}]},
            )
        )
        while not ledger.read_text():
            async with session.get(f"{found[1]}/models") as models:
                assert models.status == 200
        process.send_signal(number)
        async with asyncio.timeout(5):
            assert await process.wait() == 0
        assert process.stderr is not None
        assert await process.stderr.read() == b""
        with pytest.raises(aiohttp.ClientError):
            await slow


async def test_a_port_that_is_taken_is_one_clear_line() -> None:
    async with (
        FakeTrunkline().serve() as url,
        running("ai_command", "--port", url.rpartition(":")[2]) as process,
    ):
        out, err = await process.communicate()
    assert (process.returncode, out) == (1, b"")
    assert re.fullmatch(rb"the simulated AI cannot run: .*address already in use.*\n", err)


async def test_the_pbx_ends_at_a_signal_with_what_it_has_sent(tmp_path: Path) -> None:
    trunkline = FakeTrunkline()
    ledger = tmp_path / "ledger"
    async with (
        trunkline.serve() as url,
        running("pbx_command", "--url", url, "--ledger", str(ledger)) as process,
    ):
        async with asyncio.timeout(10):
            await trunkline.well_under_way.wait()
        process.send_signal(signal.SIGTERM)
        out, err = await process.communicate()
    assert (process.returncode, err) == (130, b"")
    assert b"packets " in out
    assert out.endswith(b"Interrupted: not verified.\n")
    events = [json.loads(line)["event"] for line in ledger.read_text().splitlines()]
    assert events.count("invoke") == len(events) / 2


async def test_without_a_terminal_progress_is_plain_lines() -> None:
    async with (
        FakeTrunkline().serve() as url,
        running("pbx_command", "--url", url, "--speed", "0", "--calls", "2") as process,
    ):
        out, err = await process.communicate()
    assert process.returncode == 0
    assert err == b"Sending: 638 of 638\nVerifying: 2 of 2\n"
    assert b"Verified" in out

"""The history: on disk before a request goes out, and readable after any kill."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from faults.history import Attempt, Fault, HistoryWriter, Outcome, faults_of, read_history, requests_of

WRITES_UNTIL_KILLED = """
import asyncio, sys
from pathlib import Path
from faults.history import HistoryWriter

async def write() -> None:
    with HistoryWriter(Path(sys.argv[1])) as history:
        while True:
            number = await history.attempt("packet", "c-1", {"sequence": 1})
            print(number, flush=True)
            history.outcome(number, 202, {"status": "accepted"}, None)

asyncio.run(write())
"""


async def test_what_was_written_is_read_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with HistoryWriter(path) as history:
        number = await history.attempt("packet", "c-1", {"sequence": 1, "data": "é"})
        history.fault("service killed")
        history.outcome(number, None, {}, "ServerDisconnectedError")
    attempt, fault, outcome = read_history(path)
    assert isinstance(attempt, Attempt)
    assert (attempt.action, attempt.call_id, attempt.body) == ("packet", "c-1", {"sequence": 1, "data": "é"})
    assert isinstance(fault, Fault)
    assert isinstance(outcome, Outcome)
    assert (outcome.number, outcome.status, outcome.trouble) == (number, None, "ServerDisconnectedError")
    assert list(faults_of([attempt, fault, outcome])) == [fault]


async def test_requests_are_attempts_with_what_came_of_them(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with HistoryWriter(path) as history:
        first = await history.attempt("init", "c-1", {})
        second = await history.attempt("packet", "c-1", {})
        history.outcome(second, 202, {}, None)
        history.outcome(first, 409, {}, None)
        await history.attempt("complete", "c-1", {})
    refused, acknowledged, unanswered = requests_of(read_history(path))
    assert refused.was_refused
    assert acknowledged.was_acknowledged
    assert (acknowledged.sent_at_line, acknowledged.answered_at_line) == (1, 2)
    assert (unanswered.status, unanswered.outcome) == (None, None)


async def test_attempts_that_wait_share_a_sync_and_keep_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with HistoryWriter(path) as history:
        numbers = await asyncio.gather(*(history.attempt("read", "c-1", {}) for _ in range(50)))
    assert list(numbers) == list(range(1, 51))
    assert [request.attempt.number for request in requests_of(read_history(path))] == list(numbers)


async def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with HistoryWriter(path) as history:
        await history.attempt("read", "c-1", {})
        await history.attempt("read", "c-2", {})
    os.truncate(path, path.stat().st_size - 3)
    (left,) = requests_of(read_history(path))
    assert left.attempt.call_id == "c-1"


async def test_a_bad_line_before_the_last_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(b'{"kind": "att\n{}\n')
    with pytest.raises(ValueError, match=r"."):
        read_history(path)


async def test_after_a_kill_every_attempt_that_went_out_is_there(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITES_UNTIL_KILLED, str(path), stdout=asyncio.subprocess.PIPE
    )
    assert writer.stdout is not None
    went_out = [int(await writer.stdout.readline()) for _ in range(20)]
    writer.send_signal(signal.SIGKILL)
    went_out += [int(line) for line in (await writer.stdout.read()).splitlines()]
    await writer.wait()
    numbers = [request.attempt.number for request in requests_of(read_history(path))]
    assert numbers[: len(went_out)] == went_out


async def test_a_history_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.touch()
    with pytest.raises(FileExistsError):
        HistoryWriter(path)

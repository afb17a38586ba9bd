"""One embedded server for all processes that name the same folder, stopped by the last of them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from adapters.postgres.embedded_server import embedded_postgres
from tests.databases import run_apart, server_folder
from tests.waiting import until

ROOT = Path(__file__).parents[2]

Holder = subprocess.Popen[str]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """The tests use one after the other, since making the files is what takes the time."""
    with server_folder() as folder:
        yield folder


@contextmanager
def holding(folder: Path) -> Iterator[tuple[Holder, str]]:
    """A process that holds the server, and the URL that it was given."""
    holder = subprocess.Popen(
        [sys.executable, "-m", "tests.postgres.server_holder", str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        url = holder.stdout.readline().strip()
        assert url, "it could not start"
        yield holder, url
    finally:
        leave(holder)


def leave(holder: Holder) -> None:
    holder.communicate()
    holder.wait()


def kill(holder: Holder) -> None:
    holder.kill()
    holder.wait()


def run(url: str, statement: str) -> None:
    async def ask() -> None:
        connection = await asyncpg.connect(url, timeout=5)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    run_apart(ask())


def is_running(url: str) -> bool:
    try:
        run(url, "SELECT 1")
    except (OSError, asyncpg.PostgresError):
        return False
    return True


def test_processes_share_a_server_and_the_last_stops_it(folder: Path) -> None:
    with holding(folder) as (first, url):
        with holding(folder) as (_, second_url):
            assert second_url == url
            leave(first)
            assert is_running(url)
        assert not is_running(url)


def test_a_process_may_hold_it_more_than_once(folder: Path) -> None:
    with embedded_postgres(folder) as url:
        with embedded_postgres(folder):
            assert is_running(url)
        assert is_running(url)
    assert not is_running(url)


def test_the_next_takes_over_what_a_killed_holder_left(folder: Path) -> None:
    """With all that was committed; and it stops the server in the end, as the killed one would have."""
    with holding(folder) as (killed, url):
        run(url, "CREATE TABLE kept ()")
        kill(killed)
    with holding(folder) as (_, url):
        run(url, "SELECT FROM kept")
    assert not is_running(url)


def test_a_killed_holder_does_not_keep_the_others_from_stopping_it(folder: Path) -> None:
    with holding(folder) as (killed, url):
        with holding(folder):
            kill(killed)
            assert is_running(url)
        assert not is_running(url)


def test_the_next_starts_it_again_where_all_were_killed_with_it(folder: Path) -> None:
    """As when the machine goes down."""
    with holding(folder) as (killed, url):
        run(url, "CREATE TABLE kept_too ()")
        kill(killed)
        kill_server(folder)
    with holding(folder) as (_, url):
        run(url, "SELECT FROM kept_too")
    assert not is_running(url)


def test_a_number_that_a_stranger_has_now_is_not_taken_for_the_server(folder: Path) -> None:
    """After a machine has come up again, the process that the server's file names may be any."""
    with holding(folder) as (killed, url):
        kill(killed)
        kill_server(folder)
    pid_file = folder / "postgres" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        with holding(folder) as (_, url):
            assert is_running(url)
        assert not is_running(url)
        assert stranger.poll() is None, "it was stopped in the server's place"
        stranger.kill()


def kill_server(folder: Path) -> None:
    """All of its processes at once."""
    pid = int((folder / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    children = Path(f"/proc/{pid}/task/{pid}/children")
    family = [pid, *map(int, children.read_text().split())] if children.exists() else [pid]
    for member in family:
        os.kill(member, signal.SIGKILL)
    asyncio.run(gone(pid))


async def gone(pid: int) -> None:
    """Until nothing answers to the number, or only what is left of a dead process."""
    status = Path(f"/proc/{pid}/stat")
    await until(lambda: not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z")

"""The command line: what it prints, and the status it ends with."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from adapters.postgres.schema import MIGRATIONS
from domain import __version__
from entrypoints.cli import main
from entrypoints.settings import settings_help
from tests.databases import Databases


def ended(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str, str]:
    """Status, standard output and standard error."""
    try:
        status: object = main(arguments)
    except SystemExit as end:
        status = end.code
    printed = capsys.readouterr()
    return status, printed.out, printed.err


@pytest.mark.parametrize("command", ["serve", "work", "migrate"])
def test_help_prints_every_setting(capsys: pytest.CaptureFixture[str], command: str) -> None:
    status, out, _ = ended(capsys, command, "--help")
    assert status == 0
    assert settings_help() in out
    assert "TRUNKLINE_DATABASE_URL" in out


@pytest.mark.parametrize(
    ("command", "options"),
    [
        (["serve"], ["--no-worker", "--migrate", "--processes"]),
        (["work"], ["--migrate"]),
        (["simulate", "ai"], ["--port", "--failure-rate", "--latency", "--seed", "--ledger"]),
        (
            ["simulate", "pbx"],
            ["--url", "--calls", "--concurrency", "--speed", "--loss", "--reorder", "--duplicate", "--wav"],
        ),
    ],
)
def test_the_options_of_the_contract(
    capsys: pytest.CaptureFixture[str], command: list[str], options: list[str]
) -> None:
    status, out, _ = ended(capsys, *command, "--help")
    assert status == 0
    assert [option for option in options if f"{option} " not in out and f"{option}]" not in out] == []


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(capsys, "--version") == (0, f"{__version__}\n", "")


@pytest.mark.parametrize(
    "arguments",
    [
        *([], ["dance"], ["serve", "--loud"], ["simulate"], ["simulate", "rain"], ["serve", "now"]),
        *(["serve", "--processes", number] for number in ("0", "-1", "two", "")),
    ],
)
def test_an_unknown_command_or_option(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    status, out, err = ended(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("usage: ")


@pytest.mark.parametrize("command", ["serve", "work", "migrate", "demo"])
def test_a_setting_that_makes_no_sense(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("TRUNKLINE_PORT", "ten")
    line = "trunkline: TRUNKLINE_PORT must be a whole number, not 'ten'\n"
    assert ended(capsys, command) == (1, "", line)


async def trunkline(tmp_path: Path, *arguments: str, **settings: str) -> tuple[int | None, list[str]]:
    """The status of the installed command, and its last words."""
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("trunkline"),
        *arguments,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]} | {f"TRUNKLINE_{name}": text for name, text in settings.items()},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        _, err = await process.communicate()
    return process.returncode, err.decode().splitlines()


@pytest.mark.parametrize("command", ["serve", "work"])
async def test_an_old_schema_is_refused(databases: Databases, tmp_path: Path, command: str) -> None:
    async with databases.unmigrated() as url:
        status, said = await trunkline(tmp_path, command, DATABASE_URL=url, PORT="0")
    assert status == 1
    (line,) = said
    every_one = ", ".join(sorted(file.stem for file in MIGRATIONS.glob("*.sql")))
    assert line == (
        f"trunkline: the database lacks {every_one}: run `trunkline migrate`, or start with --migrate"
    )


async def test_migrate_then_serve_where_something_listens_already(
    databases: Databases, tmp_path: Path
) -> None:
    async with databases.unmigrated() as url:
        assert (await trunkline(tmp_path, "migrate", DATABASE_URL=url))[0] == 0
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            status, said = await trunkline(tmp_path, "serve", DATABASE_URL=url, PORT=port)
    assert status == 1
    assert said[-1].startswith(f"trunkline: cannot listen on 127.0.0.1:{port}: ")


async def test_a_database_that_is_not_there(database_server: str, tmp_path: Path) -> None:
    url = urlsplit(database_server)._replace(path="/no_such_database").geturl()
    status, said = await trunkline(tmp_path, "migrate", DATABASE_URL=url)
    assert status == 1
    assert len(said) == 1
    assert said[0].startswith("trunkline: the database refused: ")

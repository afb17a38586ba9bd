"""Starting: the schema, the embedded server, and errors in one line."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from adapters.postgres.schema import MIGRATIONS
from tests.end_to_end.api_client import ApiClient
from tests.end_to_end.processes import run_to_its_end, running

EVERY_MIGRATION = ", ".join(sorted(file.stem for file in MIGRATIONS.glob("*.sql")))


async def test_an_old_schema_is_refused_in_one_line(empty_database_url: str) -> None:
    environment = {"TRUNKLINE_DATABASE_URL": empty_database_url, "TRUNKLINE_PORT": "0"}
    status, output = await run_to_its_end("serve", environment=environment)
    assert status == 1
    (line,) = output.strip().splitlines()
    assert line.startswith(f"trunkline: the database lacks {EVERY_MIGRATION}: run `trunkline migrate`")


async def test_migrate_says_what_it_did(empty_database_url: str) -> None:
    environment = {"TRUNKLINE_DATABASE_URL": empty_database_url}
    first = await run_to_its_end("migrate", environment=environment)
    second = await run_to_its_end("migrate", environment=environment)
    assert first[0] == second[0] == 0
    assert first[1].splitlines()[-1] == f"applied {EVERY_MIGRATION}"
    assert second[1].splitlines() == ["the schema is up to date"]


async def test_a_port_in_use_is_one_line(service_environment: dict[str, str], tmp_path: Path) -> None:
    async with running(tmp_path / "serve.log", "serve", environment=service_environment) as serve:
        port = serve.url.rsplit(":", 1)[1]
        status, output = await run_to_its_end(
            "serve", environment=service_environment | {"TRUNKLINE_PORT": port}
        )
    assert status == 1
    assert output.strip().splitlines()[-1].startswith(f"trunkline: cannot listen on 127.0.0.1:{port}: ")
    assert "Traceback" not in output


async def test_the_embedded_server_is_taken_over_after_a_kill(data_folder: Path) -> None:
    """The first process is killed with its packets acknowledged; the next one has them."""
    environment = {"TRUNKLINE_DATA_DIR": str(data_folder / "data"), "TRUNKLINE_PORT": "0"}
    async with aiohttp.ClientSession() as session:
        async with running(data_folder / "a.log", "serve", "--migrate", environment=environment) as first:
            assert (await ApiClient(session, first.url).packet("c-1", 1, "kept"))[0] == 202
            await first.kill()
        async with running(data_folder / "b.log", "serve", environment=environment) as second:
            assert await ApiClient(session, second.url).packets("c-1") == {1: "kept"}
            assert await second.terminate() == 0
    assert not (data_folder / "data" / "postgres" / "postmaster.pid").exists()


async def test_the_demo_reaches_archived_with_recognisable_words(data_folder: Path) -> None:
    """What `make run` starts, without staying up."""
    environment = {"TRUNKLINE_DATA_DIR": str(data_folder / "data"), "TRUNKLINE_PORT": "0"}
    status, output = await run_to_its_end("demo", "--once", "--calls", "2", environment=environment)
    assert status == 0, output
    assert output.count(": ARCHIVED") == 2
    assert "would like to order" in output.lower()

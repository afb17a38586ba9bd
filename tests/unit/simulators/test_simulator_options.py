"""The options of the two commands."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from entrypoints.simulators import ai_command, pbx_command


def parser_of(command: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=command)
    (ai_command if command == "ai" else pbx_command).configure(parser)
    return parser


def test_the_ai_has_the_contract_s_defaults() -> None:
    options = parser_of("ai").parse_args([])
    assert (options.host, options.port, options.failure_rate) == ("127.0.0.1", 8090, 0.25)
    assert options.latency == (1, 3)
    assert options.seed is options.ledger is None


def test_the_pbx_has_the_contract_s_defaults() -> None:
    options = parser_of("pbx").parse_args([])
    assert (options.url, options.speed) == ("http://127.0.0.1:8080", 1)
    assert options.wav


def test_options_are_read(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    options = parser_of("ai").parse_args(
        ["--latency", "0.5", "0.5", "--port", "0", "--seed", "-3", "--ledger", str(ledger)]
    )
    assert (options.latency, options.port, options.seed, options.ledger) == ((0.5, 0.5), 0, -3, ledger)


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("ai", ["--port", "65536"]),
        ("ai", ["--port", "http"]),
        ("ai", ["--failure-rate", "1.5"]),
        ("ai", ["--failure-rate", "nan"]),
        ("ai", ["--latency", "3", "1"]),
        ("ai", ["--latency", "-1", "1"]),
        ("ai", ["--latency", "1", "inf"]),
        ("ai", ["--seed", "x"]),
        ("ai", ["--ledger", "/there/is/no/such/folder"]),
        ("pbx", ["--url", "127.0.0.1:8080"]),
        ("pbx", ["--url", "http://[::1"]),
        ("pbx", ["--calls", "0"]),
        ("pbx", ["--concurrency", "1.5"]),
        ("pbx", ["--speed", "-1"]),
        ("pbx", ["--loss", "2"]),
        ("pbx", ["--reorder", "-0.1"]),
        ("pbx", ["--duplicate", "a lot"]),
        ("pbx", ["--wav", "/there/is/no/such.wav"]),
        ("pbx", ["--wav", __file__]),
    ],
)
def test_nonsense_is_one_line_and_status_2(
    command: str, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        parser_of(command).parse_args(arguments)
    last_line = capsys.readouterr().err.splitlines()[-1]
    assert stopped.value.code == 2
    assert last_line.startswith(f"{command}: error: argument {arguments[0]}: ")

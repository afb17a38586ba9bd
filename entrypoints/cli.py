"""The command line: `trunkline serve`, `work`, `migrate`, `simulate`, `demo`."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import uvloop

from domain import __version__
from entrypoints import demo
from entrypoints.logs import configure_logs
from entrypoints.membership import Membership
from entrypoints.service import Role, StartRefused, database, migrate, run_service
from entrypoints.settings import Settings, SettingsError, read_settings, settings_help
from entrypoints.shared_port import serve_with_many
from entrypoints.simulators import ai_command, pbx_command
from entrypoints.simulators.option_values import count

T = TypeVar("T")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status. Errors are one line on standard error."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except (SettingsError, StartRefused) as error:
        print(f"trunkline: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("trunkline", description="Stands between a PBX and AI.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_serve(commands)
    _add_work(commands)
    _add_migrate(commands)
    _add_simulate(commands)
    _add_demo(commands)
    return parser


Commands = Any
"""What argparse's add_subparsers gives; it has no public name."""


def _with_settings(commands: Commands, name: str, summary: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=summary,
        epilog=f"settings, from the environment:\n{settings_help()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def _add_serve(commands: Commands) -> None:
    parser = _with_settings(commands, "serve", "serve the API and work on calls")
    parser.add_argument("--no-worker", action="store_true", help="serve the API only")
    parser.add_argument("--migrate", action="store_true", help="bring the schema up to date first")
    parser.add_argument(
        "--processes",
        type=count,
        default=1,
        metavar="N",
        help="serve from this many processes on one port; one that dies is replaced (default: 1)",
    )
    parser.add_argument("--member", type=int, nargs=2, help=argparse.SUPPRESS)  # the supervisor's to give
    parser.set_defaults(run=_serve)


def _add_work(commands: Commands) -> None:
    parser = _with_settings(commands, "work", "work on calls, without the API")
    parser.add_argument("--migrate", action="store_true", help="bring the schema up to date first")
    parser.set_defaults(run=lambda options: _run_service(Role(False, True, options.migrate)))


def _add_migrate(commands: Commands) -> None:
    parser = _with_settings(commands, "migrate", "bring the database's schema up to date")
    parser.set_defaults(run=lambda options: _migrate(read_settings(os.environ)))


def _add_simulate(commands: Commands) -> None:
    parser = commands.add_parser("simulate", help="play a PBX or an AI service")
    simulators = parser.add_subparsers(required=True, metavar="what")
    for name, command, summary in (
        ("ai", ai_command, "a flaky AI service that speaks OpenAI's formats"),
        ("pbx", pbx_command, "a PBX that places calls and checks what became of their packets"),
    ):
        simulator = simulators.add_parser(name, help=summary, description=summary)
        command.configure(simulator)
        simulator.set_defaults(run=lambda options, command=command: _run(command.run(options)))


def _add_demo(commands: Commands) -> None:
    parser = commands.add_parser("demo", help="what `make run` starts: everything, and sample calls")
    demo.configure(parser)
    parser.set_defaults(run=lambda options: _run(demo.run(options, read_settings(os.environ))))


def _serve(options: argparse.Namespace) -> int:
    role = Role(True, not options.no_worker, options.migrate)
    if options.processes > 1:
        return _supervise(role, options.processes)
    return _run_service(role, Membership(*options.member) if options.member else None)


def _run_service(role: Role, membership: Membership | None = None) -> int:
    settings = read_settings(os.environ)
    configure_logs(is_one_of_several=membership is not None)
    with database(settings) as url:
        _run(run_service(settings, url, role, membership))
    return 0


def _supervise(role: Role, processes: int) -> int:
    settings = read_settings(os.environ)
    configure_logs(is_one_of_several=True)
    with database(settings) as url:
        if role.migrate:
            _run(migrate(url))
        return _run(serve_with_many(settings, role, processes))


def _migrate(settings: Settings) -> int:
    configure_logs()
    with database(settings) as url:
        applied = _run(migrate(url))
    print(f"applied {', '.join(applied)}" if applied else "the schema is up to date")
    return 0


def _run(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)

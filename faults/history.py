"""What the load tried and what it was told, a JSON line each; what stands there outlives any kill."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

import attrs
import orjson
from cattrs.preconf.orjson import make_converter

Action = Literal["init", "packet", "delivery", "complete", "read"]
"""A delivery is several packets in one request, all taken or none; its body has them as ``packets``."""
Over = Literal["http", "websocket"]
"""How it goes out. A packet over a WebSocket is an attempt of its own, whatever message it shares."""


@attrs.frozen
class Attempt:
    """A request that is about to go out. ``at_seconds`` is Unix time here and below."""

    number: int
    at_seconds: float
    action: Action
    call_id: str
    body: dict[str, Any]
    over: Over = "http"


@attrs.frozen
class Outcome:
    """What came of the attempt of this number.

    ``status`` is None where the connection broke, and ``trouble`` then says how.
    """

    number: int
    at_seconds: float
    status: int | None
    body: dict[str, Any]
    trouble: str | None = None


@attrs.frozen
class Fault:
    """Something was broken on purpose, or mended again."""

    at_seconds: float
    what: str


Record = Attempt | Outcome | Fault

_KINDS: Final[Mapping[str, type[Record]]] = {"attempt": Attempt, "outcome": Outcome, "fault": Fault}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}
_json: Final = make_converter()


class HistoryWriter:
    """Writes a new file. No attempt is returned from before it is on disk."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb", buffering=0)
        self._attempts = 0
        self._written = 0
        self._synced = 0
        self._syncing = asyncio.Lock()

    async def attempt(self, action: Action, call_id: str, body: dict[str, Any], over: Over = "http") -> int:
        """The attempt's number, once its line is synced."""
        self._attempts += 1
        number = self._attempts
        self._write(Attempt(number, time.time(), action, call_id, body, over))
        await self._sync()
        return number

    def outcome(self, number: int, status: int | None, body: dict[str, Any], trouble: str | None) -> None:
        self._write(Outcome(number, time.time(), status, body, trouble))

    def fault(self, what: str) -> None:
        self._write(Fault(time.time(), what))

    def _write(self, record: Record) -> None:
        line = {"kind": _NAMES[type(record)], **_json.unstructure(record)}
        self._file.write(orjson.dumps(line) + b"\n")
        self._written += 1

    async def _sync(self) -> None:
        """One sync serves all who wrote before it began."""
        mine = self._written
        async with self._syncing:
            if self._synced >= mine:
                return
            covered = self._written
            await asyncio.to_thread(os.fsync, self._file.fileno())
            self._synced = covered

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def read_history(path: Path) -> list[Record]:
    """All of it, in order. A last line that a kill tore is left out; ValueError for any other bad line."""
    lines = path.read_bytes().split(b"\n")[:-1]
    return [_record(line) for line in lines]


def _record(line: bytes) -> Record:
    fields = orjson.loads(line)
    return _json.structure(fields, _KINDS[fields.pop("kind")])


@attrs.frozen
class Request:
    """An attempt with what came of it.

    ``sent_at_line`` and ``answered_at_line`` are places in the history: what was answered at an earlier
    line than another was sent had been told before that one went out.
    """

    attempt: Attempt
    sent_at_line: int
    outcome: Outcome | None = None
    answered_at_line: int | None = None
    refused_on_replay: bool = False
    """It was acknowledged as spooled, and then refused, and is kept as that."""
    left_in_spool: bool = False
    """It was acknowledged as spooled, and is durable there, and nobody has judged it yet."""

    @property
    def status(self) -> int | None:
        return None if self.outcome is None else self.outcome.status

    @property
    def was_acknowledged(self) -> bool:
        was_told = self.status is not None and 200 <= self.status < 300
        return was_told and not self.refused_on_replay and not self.left_in_spool

    @property
    def was_refused(self) -> bool:
        """Such an answer says that nothing was left behind."""
        return self.refused_on_replay or (self.status is not None and 400 <= self.status < 500)

    @property
    def is_spooled(self) -> bool:
        """Whether it is kept safe outside the database, for now."""
        return self.outcome is not None and self.outcome.body.get("durability") == "spooled"


def requests_of(records: Iterable[Record]) -> list[Request]:
    """In the order in which they were sent."""
    found: dict[int, Request] = {}
    for line, record in enumerate(records):
        match record:
            case Attempt(number=number):
                found[number] = Request(record, line)
            case Outcome(number=number):
                found[number] = attrs.evolve(found[number], outcome=record, answered_at_line=line)
            case Fault():
                pass
    return list(found.values())


def faults_of(records: Iterable[Record]) -> Sequence[Fault]:
    return [record for record in records if isinstance(record, Fault)]

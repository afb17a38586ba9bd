"""What was sent and what came of it, for a checker that comes later."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum, unique
from itertools import count
from typing import Any

import attrs

from entrypoints.simulators.json_lines import JsonLines


@unique
class Kind(Enum):
    INIT = "init"
    PACKET = "packet"
    COMPLETE = "complete"


@unique
class Outcome(Enum):
    """``FAIL``: the service promised that nothing was kept. ``UNKNOWN``: it may have been, or not."""

    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"


@attrs.frozen
class Subject:
    """What a request is about; ``sha256`` is of the packet's audio bytes."""

    kind: Kind
    call_id: str
    stream: str | None = None
    sequence: int | None = None
    sha256: str | None = None


class History:
    """Writes ``invoke`` before a request and its outcome after it; ``request`` pairs the two."""

    def __init__(self, lines: JsonLines) -> None:
        self._lines = lines
        self._numbers = count(1)

    def invoke(self, subject: Subject) -> int:
        """The number of the request that is about to be sent."""
        number = next(self._numbers)
        self._write("invoke", number, subject, {})
        return number

    def outcome(self, number: int, subject: Subject, outcome: Outcome, status: int | None) -> None:
        self._write(outcome.value, number, subject, {"status": status})

    def _write(self, event: str, number: int, subject: Subject, more: dict[str, Any]) -> None:
        self._lines.write(
            {
                "at": datetime.now(UTC).isoformat(),
                "event": event,
                "request": number,
                "kind": subject.kind.value,
                "call_id": subject.call_id,
                "stream": subject.stream,
                "sequence": subject.sequence,
                "sha256": subject.sha256,
                **more,
            }
        )

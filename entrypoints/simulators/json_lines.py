"""A file of JSON objects, one a line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

import orjson


class JsonLines:
    """Appends to ``path``; without a path it takes lines and keeps none.

    A line is handed to the operating system before ``write`` returns, so it outlives this process.
    """

    def __init__(self, path: Path | None) -> None:
        self._file: TextIO | None = None if path is None else path.open("a", encoding="utf-8")

    def write(self, line: Mapping[str, Any]) -> None:
        if self._file is not None:
            self._file.write(orjson.dumps(line).decode() + "\n")
            self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

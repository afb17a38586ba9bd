"""Holds an embedded server until its input ends: ``python -m tests.postgres.server_holder FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

from adapters.postgres.embedded_server import embedded_postgres

if __name__ == "__main__":
    with embedded_postgres(Path(sys.argv[1])) as url:
        print(url, flush=True)  # noqa: T201 # the test reads it
        sys.stdin.read()

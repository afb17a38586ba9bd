"""Holds an embedded server until its input ends: ``python -m faults.postgres_holder FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

from adapters.postgres.embedded_server import embedded_postgres

if __name__ == "__main__":
    with embedded_postgres(Path(sys.argv[1])) as url:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        sys.stdin.read()

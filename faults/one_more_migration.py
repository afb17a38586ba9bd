"""Trunkline's command line, of a release with one more migration.

``python -m faults.one_more_migration migrate``: it needs the table of calls for itself, which every packet's
transaction uses.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from adapters.postgres import schema
from entrypoints.cli import main

COLUMN: Final = "tried_under_load"
MIGRATION: Final = f"""\
-- what only an experiment has
-- depends: {{latest}}

-- migrate: apply

ALTER TABLE calls ADD COLUMN {COLUMN} integer;

-- migrate: rollback

ALTER TABLE calls DROP COLUMN {COLUMN};
"""


def run(arguments: list[str]) -> int:
    with TemporaryDirectory(prefix="trunkline-faults-") as folder:
        migrations = Path(shutil.copytree(schema.MIGRATIONS, Path(folder) / "migrations"))
        latest = max(path.stem for path in migrations.glob("*.sql"))
        (migrations / f"9000_{COLUMN}.sql").write_text(MIGRATION.format(latest=latest), "utf-8")
        schema.MIGRATIONS = migrations  # type: ignore[misc] # this is the other release
        return main(arguments)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))

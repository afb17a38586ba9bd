"""Schemathesis against the running service: whatever it thinks of, the answer is one that is described."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

from tests.http.database_rows import row_counts
from tests.http.running_service import RunningService

SECONDS_AT_MOST = 120


def test_it_finds_no_fault_and_nothing_undescribed(service: RunningService, tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    run = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            f"--config-file={Path(__file__).with_name('schemathesis.toml')}",
            "run",
            f"{service.url}/openapi.json",
            f"--seed={seed}",
            "--no-color",
        ],
        cwd=tmp_path,  # it leaves files where it runs
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=SECONDS_AT_MOST,
    )
    assert run.returncode == 0, f"seed {seed}:\n{run.stdout}\n{run.stderr}"
    assert row_counts(service)["packets"] > 0, "it never got a packet through"

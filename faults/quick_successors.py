"""Trunkline's command line, but a dead process's jobs are taken up after a second, not fifteen.

All its guards are on: ``python -m faults.quick_successors serve``.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Final

from dependency_injector import providers

from adapters.jobs.job_runner import JobRunner
from entrypoints.cli import main
from entrypoints.container import Container

HEARTBEAT_TIMEOUT: Final = timedelta(seconds=1)


def take_up_quickly() -> None:
    """From now on, in this process."""
    real = Container.job_runner
    real.override(providers.Singleton(JobRunner, *real.args, HEARTBEAT_TIMEOUT))


if __name__ == "__main__":
    take_up_quickly()
    sys.exit(main(sys.argv[1:]))

"""Processes that count together: whichever is asked tells what all of them have counted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from adapters.metrics.prometheus import PrometheusMetrics
from adapters.metrics.sharing import sharing_in

# A process of its own, for the choice of how to count is the whole process's.
COUNT = """
import os, signal, sys
from adapters.metrics.prometheus import PrometheusMetrics
from adapters.metrics.sharing import share_as
from application.ports import Backlog
from domain.call_state import CallState

share_as(int(sys.argv[1]))
metrics = PrometheusMetrics()
metrics.request_answered("GET", "/livez", 200)
metrics.packet_acknowledged(0.003)
metrics.backlog_read(Backlog({CallState.FAILED: 4}, 3, 2, 1, 0.5))
sys.stdout.buffer.write(metrics.exposition())
sys.stdout.flush()
if sys.argv[2:] == ["killed"]:
    os.kill(os.getpid(), signal.SIGKILL)
"""


def counted_by(folder: Path, *arguments: str) -> tuple[int, dict[tuple[str, tuple[str, ...]], float]]:
    """The exit status of a process that counted once, and what it told then, by name and labels."""
    ended = subprocess.run(
        [sys.executable, "-c", COUNT, *arguments],
        env={**os.environ, **sharing_in(folder)},
        stdout=subprocess.PIPE,
        check=False,
    )
    return ended.returncode, {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(ended.stdout.decode())
        for sample in family.samples
    }


def test_each_process_tells_the_sum_and_a_successor_goes_on_where_the_dead_one_was(tmp_path: Path) -> None:
    assert counted_by(tmp_path, "1")[0] == 0
    assert counted_by(tmp_path, "2", "killed")[0] == -signal.SIGKILL
    files = sorted(path.name for path in tmp_path.iterdir())
    status, told = counted_by(tmp_path, "2")
    assert status == 0
    assert told["trunkline_http_requests_total", ("GET", "/livez", "200")] == 3
    assert told["trunkline_ack_seconds_count", ()] == 3
    assert told["trunkline_ack_seconds_bucket", ("0.005",)] == 3
    assert told["trunkline_ack_seconds_bucket", ("0.002",)] == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == files, "no process leaves files of its own"


def test_what_the_database_says_is_not_added_up(tmp_path: Path) -> None:
    counted_by(tmp_path, "1")
    _, told = counted_by(tmp_path, "2")
    assert told["trunkline_calls", ("FAILED",)] == 4
    assert told["trunkline_jobs", ("due",)] == 3
    assert told["trunkline_oldest_job_seconds", ()] == 0.5


def test_a_process_that_shares_with_nobody_tells_its_own() -> None:
    metrics, others = PrometheusMetrics(), PrometheusMetrics()
    others.batch_committed(7)
    metrics.batch_committed(3)
    assert b"trunkline_batch_packets_sum 3.0" in metrics.exposition()

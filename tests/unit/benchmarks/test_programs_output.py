"""What wrk, pgbench and /proc say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.contenders.pgbench import parse_output, read_logs
from benchmarks.load.http_connection import LoadFailed
from benchmarks.load.wrk import parse_result
from benchmarks.machine import fsyncs_per_second, processor_model
from benchmarks.processor_time import (
    ProcessorTime,
    parse_busy_seconds,
    parse_status,
    resident_mib,
    tree,
)

WRK = """Running 2s test @ http://127.0.0.1:8080
  2 threads and 128 connections
Requests/sec:   5000.00

{"requests":10010,"seconds":2.000000,"refused":10,"broken":0,"p50_ms":1.5,"p99_ms":9,"p99_9_ms":20,"max_ms":30}
"""

PGBENCH = """transaction type: row_at_a_time.sql
number of transactions actually processed: 5532
number of failed transactions: 0 (0.000%)
latency average = 5.778 ms
tps = 2766.024861 (without initial connection time)
"""


def test_wrk_counts_what_was_refused_apart() -> None:
    result = parse_result(WRK)
    assert (result.accepted, result.refused, result.broken, result.seconds) == (10_000, 10, 0, 2.0)
    assert (result.latencies.p99_ms, result.latencies.max_ms) == (9, 30)


def test_wrk_that_could_not_connect_is_told() -> None:
    with pytest.raises(LoadFailed, match="unable to connect"):
        parse_result("unable to connect to 127.0.0.1:1 Connection refused\n")


def test_pgbench_tells_its_transactions() -> None:
    result = parse_output(PGBENCH)
    assert (result.processed, result.failed, result.per_second) == (5532, 0, 2766.024861)


def test_pgbench_that_says_something_else_is_told() -> None:
    with pytest.raises(LoadFailed, match="no such table"):
        parse_output("pgbench: error: no such table")


def test_the_latencies_of_pgbench_are_in_its_logs(tmp_path: Path) -> None:
    (tmp_path / "log.1").write_text("0 0 1500 0 1700000000 1\n1 0 2500 0 1700000000 2\n")
    (tmp_path / "log.1.1").write_text("0 0 250000 0 1700000000 3\n")
    latencies = read_logs(tmp_path)
    assert (latencies.count, latencies.max_ms) == (3, 250.0)


def test_a_process_may_have_any_name() -> None:
    numbers = " ".join(str(number) for number in range(5, 53))
    status = parse_status(f"42 (a) (b c) S 7 {numbers}")
    ticks = os.sysconf("SC_CLK_TCK")
    assert status.parent == 7
    assert status.seconds == (14 + 15 + 16 + 17) / ticks  # fields 14 to 17 of proc_pid_stat(5)
    assert status.resident_bytes == 24 * os.sysconf("SC_PAGE_SIZE")


def test_this_process_is_in_its_own_tree_and_uses_memory() -> None:
    assert os.getpid() in tree(os.getpid())
    assert resident_mib(os.getpid()) > 1


def test_the_machine_is_busy_with_all_but_idling_and_waiting() -> None:
    stat = "cpu  100 20 30 9000 800 1 2 4 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n"
    assert parse_busy_seconds(stat) == 157 / os.sysconf("SC_CLK_TCK")


def test_processor_time_is_a_share_of_the_clocks() -> None:
    used = ProcessorTime({"server": os.getpid()})
    used.begin()
    sum(number * number for number in range(3_000_000))  # long, by the ticks that the system counts in
    cores = used.end()
    assert cores.keys() == {"client", "server", "others"}
    assert cores["others"] >= 0
    assert 0 < cores["client"] < 1.5


def test_a_processor_without_a_model_is_told_by_its_architecture() -> None:
    assert processor_model(["processor\t: 0", "model name\t: Some CPU: 2 GHz"]) == "Some CPU: 2 GHz"
    assert processor_model(["processor\t: 0"])


def test_the_disk_is_probed(tmp_path: Path) -> None:
    assert fsyncs_per_second(tmp_path, seconds=0.02) >= 1
    assert list(tmp_path.iterdir()) == []

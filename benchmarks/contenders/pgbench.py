"""The row-at-a-time transaction of the usual design without any Python: pgbench, 16 clients."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import attrs

from benchmarks.bench import WARM_UP_SECONDS, Bench
from benchmarks.contenders.contender import Prefix
from benchmarks.contenders.posts import in_usual_schema, make_usual_schema
from benchmarks.latencies import Histogram, Latencies
from benchmarks.load.http_connection import LoadFailed
from benchmarks.measurement import Measurement
from benchmarks.postgres import connected, pgbench_program
from benchmarks.processor_time import ProcessorTime
from benchmarks.programs import run_program

CLIENTS: Final = 16
CALLS: Final = 8 * CLIENTS
SCRIPT: Final = Path(__file__).with_name("row_at_a_time.sql")

_PROCESSED: Final = re.compile(r"number of transactions actually processed: (\d+)")
_FAILED: Final = re.compile(r"number of failed transactions: (\d+)")
_PER_SECOND: Final = re.compile(r"tps = ([\d.]+)")


@attrs.frozen
class Pgbench:
    name: str = "pgbench"
    title: str = "(c) pgbench, the same transaction, 16 clients"
    in_rounds: bool = True

    async def run(self, bench: Bench, round_number: int) -> Measurement:
        async with bench.postgres.fresh_database(self.name) as database_url:
            await make_usual_schema(database_url)
            async with connected(database_url) as connection:
                await connection.execute(
                    "INSERT INTO calls (call_id, state)"
                    " SELECT number::text, 'IN_PROGRESS' FROM generate_series(0, $1 - 1) AS number",
                    CALLS,
                )
            warmed_up = await _run(bench, self.name, WARM_UP_SECONDS)
            with tempfile.TemporaryDirectory(dir=bench.folder) as logs:
                used = ProcessorTime({"PostgreSQL": bench.postgres.process_id})
                used.begin()
                result = await _run(bench, self.name, bench.seconds, "--log", f"--log-prefix={logs}/log")
                cores = used.end()
                latencies = read_logs(Path(logs))
            return Measurement(
                seconds=bench.seconds,
                per_second=result.per_second,
                acknowledged=warmed_up.processed + result.processed,
                refused=result.failed,
                stored=await in_usual_schema(database_url, Prefix("")),
                latencies=latencies,
                cores=cores,
            )


@attrs.frozen
class PgbenchResult:
    processed: int
    failed: int
    per_second: float


async def _run(bench: Bench, database: str, seconds: float, *more: str) -> PgbenchResult:
    """Raises LoadFailed."""
    arguments = [
        "--no-vacuum",
        "--protocol=prepared",
        f"--client={CLIENTS}",
        "--jobs=2",
        f"--time={seconds:.0f}",
    ]
    arguments += [f"--file={SCRIPT}", *more]
    arguments += [
        "--host",
        bench.postgres.socket_folder,
        "--username",
        urlsplit(bench.postgres.url).username or "",
    ]
    status, output = await run_program(pgbench_program(), [*arguments, database])
    if status:
        raise LoadFailed(f"pgbench: {output.strip()[-300:]}")
    return parse_output(output)


def parse_output(text: str) -> PgbenchResult:
    """Raises LoadFailed."""
    processed, failed, per_second = (pattern.search(text) for pattern in (_PROCESSED, _FAILED, _PER_SECOND))
    if not (processed and failed and per_second):
        raise LoadFailed(f"pgbench said {text.strip()[-300:]}")
    return PgbenchResult(int(processed[1]), int(failed[1]), float(per_second[1]))


def read_logs(folder: Path) -> Latencies:
    """pgbench's log has a line for each transaction; the third field is its time in microseconds."""
    histogram = Histogram()
    for log in folder.iterdir():
        for line in log.read_text("ascii").splitlines():
            histogram.add(int(line.split()[2]) / 1e6)
    return histogram.latencies()

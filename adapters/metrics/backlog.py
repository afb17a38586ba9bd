"""What the database knows, in Prometheus's terms."""

from __future__ import annotations

import math
from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from application.ports import Backlog


class BacklogCollector(Collector):
    """``latest`` is None while the database does not say; then there are no figures instead of old ones.

    Not gauges, which processes that share a port would add up: the database's figures are everybody's.
    """

    def __init__(self) -> None:
        self.latest: Backlog | None = None

    def collect(self) -> Iterator[Metric]:
        calls = GaugeMetricFamily("trunkline_calls", "Calls by state", labels=["state"])
        jobs = GaugeMetricFamily("trunkline_jobs", "Jobs: due, scheduled, running", labels=["status"])
        oldest = GaugeMetricFamily("trunkline_oldest_job_seconds", "How long the oldest job is overdue")
        backlog = self.latest
        if backlog is not None:
            for state, count in backlog.calls.items():
                calls.add_metric([state.value], count)
            jobs.add_metric(["due"], backlog.jobs_due)
            jobs.add_metric(["scheduled"], backlog.jobs_scheduled)
            jobs.add_metric(["running"], backlog.jobs_running)
        oldest.add_metric([], math.nan if backlog is None else backlog.oldest_job_seconds)
        yield from (calls, jobs, oldest)

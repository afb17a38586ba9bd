"""What operators measure, in Prometheus's text format."""

from __future__ import annotations

from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from application.ports import Backlog

_ACK_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
_BATCH_PACKETS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_AI_SECONDS: Final = (0.1, 0.3, 1, 3, 10, 30, 60, 120)


class PrometheusMetrics:
    """One process's counters, and the database's backlog as it was last read."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # half the lines, and nobody reads them
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "trunkline_http_requests",
            "Requests answered",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._acks = Histogram(
            "trunkline_ack_seconds",
            "From a packet's request to its 202",
            buckets=_ACK_SECONDS,
            registry=self.registry,
        )
        self._batches = Histogram(
            "trunkline_batch_packets",
            "Packets that shared a transaction",
            buckets=_BATCH_PACKETS,
            registry=self.registry,
        )
        self._ai_attempts = Counter(
            "trunkline_ai_attempts", "Requests to the AI", ["step", "outcome"], registry=self.registry
        )
        self._ai_seconds = Histogram(
            "trunkline_ai_attempt_seconds",
            "How long the AI took",
            ["step"],
            buckets=_AI_SECONDS,
            registry=self.registry,
        )
        self._calls = Gauge("trunkline_calls", "Calls by state", ["state"], registry=self.registry)
        self._jobs = Gauge(
            "trunkline_jobs", "Jobs: due, scheduled, running", ["status"], registry=self.registry
        )
        self._oldest_job = Gauge(
            "trunkline_oldest_job_seconds", "How long the oldest job is overdue", registry=self.registry
        )

    def request_answered(self, method: str, route: str, status: int) -> None:
        """``route`` is the pattern, never the path: ids do not become labels."""
        self._requests.labels(method, route, str(status)).inc()

    def packet_acknowledged(self, seconds: float) -> None:
        self._acks.observe(seconds)

    def batch_committed(self, packets: int) -> None:
        self._batches.observe(packets)

    def ai_attempted(self, step: str, outcome: str, seconds: float) -> None:
        self._ai_attempts.labels(step, outcome).inc()
        self._ai_seconds.labels(step).observe(seconds)

    def backlog_read(self, backlog: Backlog) -> None:
        for state, calls in backlog.calls.items():
            self._calls.labels(state.value).set(calls)
        self._jobs.labels("due").set(backlog.jobs_due)
        self._jobs.labels("scheduled").set(backlog.jobs_scheduled)
        self._jobs.labels("running").set(backlog.jobs_running)
        self._oldest_job.set(backlog.oldest_job_seconds)

    def backlog_unknown(self) -> None:
        """The database did not say: old figures must not pass for today's."""
        self._calls.clear()
        self._jobs.clear()
        self._oldest_job.set(float("nan"))

    def exposition(self) -> bytes:
        return generate_latest(self.registry)

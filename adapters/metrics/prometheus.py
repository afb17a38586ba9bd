"""What operators measure, in Prometheus's text format."""

from __future__ import annotations

import time
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from adapters.metrics.backlog import BacklogCollector
from adapters.metrics.figures import figures_of
from adapters.metrics.sharing import registry_of_all
from application.feed_ports import Figures
from application.ports import Backlog, JournalSize

_ACK_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
_BATCH_PACKETS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_AI_SECONDS: Final = (0.1, 0.3, 1, 3, 10, 30, 60, 120)


class PrometheusMetrics:
    """What this process counts, and the database's backlog as it was last read.

    Processes that share a port share their counts too, so that it does not matter which one is asked.
    """

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # half the lines, and nobody reads them
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "trunkline_http_requests",
            "Requests answered",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._counters: dict[tuple[str, str, str], Counter] = {}
        """To spare each request the search for its counter, which costs more than the counting."""
        self._acks = Histogram(
            "trunkline_ack_seconds",
            "From a packet to its acknowledgement: a 202, or a message over a WebSocket",
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
        self._set_aside = Counter(
            "trunkline_calls_set_aside",
            "Calls that FAILED because processes ended while they worked on them",
            registry=self.registry,
        )
        self._spool_entries = Gauge(
            "trunkline_spool_entries",
            "Requests that wait in the spool for the database",
            multiprocess_mode="sum",
            registry=self.registry,
        )
        self._spool_bytes = Gauge(
            "trunkline_spool_bytes", "The same in bytes", multiprocess_mode="sum", registry=self.registry
        )
        self._spool_oldest = Gauge(
            "trunkline_spool_oldest_seconds",
            "How long the oldest of them waits",
            multiprocess_mode="max",
            registry=self.registry,
        )
        self._spool_refused = Counter(
            "trunkline_spool_refused",
            "Requests acknowledged as spooled, and then refused",
            registry=self.registry,
        )
        self._backlog = BacklogCollector()
        self._told = registry_of_all() or self.registry
        self._told.register(self._backlog)

    def request_answered(self, method: str, route: str, status: int) -> None:
        """``route`` is the pattern, never the path: ids do not become labels."""
        labels = method, route, str(status)
        counter = self._counters.get(labels)
        if counter is None:
            counter = self._counters[labels] = self._requests.labels(*labels)
        counter.inc()

    def packet_acknowledged(self, seconds: float) -> None:
        self._acks.observe(seconds)

    def batch_committed(self, packets: int) -> None:
        self._batches.observe(packets)

    def ai_attempted(self, step: str, outcome: str, seconds: float) -> None:
        self._ai_attempts.labels(step, outcome).inc()
        self._ai_seconds.labels(step).observe(seconds)

    def call_set_aside(self) -> None:
        self._set_aside.inc()

    def spool_holds(self, size: JournalSize) -> None:
        self._spool_entries.set(size.entries)
        self._spool_bytes.set(size.byte_count)
        self._spool_oldest.set(0 if size.oldest_at is None else max(0.0, time.time() - size.oldest_at))

    def spool_refused(self, entries: int) -> None:
        self._spool_refused.inc(entries)

    def backlog_read(self, backlog: Backlog) -> None:
        self._backlog.latest = backlog

    def backlog_unknown(self) -> None:
        """The database did not say: old figures must not pass for today's."""
        self._backlog.latest = None

    def figures(self) -> Figures:
        """Implements FiguresReader: what all processes that share have counted, read from their files."""
        return figures_of(self._told)

    def exposition(self) -> bytes:
        return generate_latest(self._told)

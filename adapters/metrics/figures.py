"""What the processes that share their counts have counted, as numbers to reckon with."""

from __future__ import annotations

from collections import defaultdict

from prometheus_client import CollectorRegistry

from application.feed_ports import Figures

_OK = "ok"


def figures_of(registry: CollectorRegistry) -> Figures:
    packets, attempts, failures = 0.0, 0.0, 0.0
    acks: dict[float, float] = defaultdict(float)
    for metric in registry.collect():
        for sample in metric.samples:
            if sample.name == "trunkline_batch_packets_sum":
                packets += sample.value
            elif sample.name == "trunkline_ack_seconds_bucket":
                acks[float(sample.labels["le"])] += sample.value
            elif sample.name == "trunkline_ai_attempts_total":
                attempts += sample.value
                failures += 0 if sample.labels["outcome"] == _OK else sample.value
    return Figures(
        packets=round(packets),
        acks=[(bound, round(acks[bound])) for bound in sorted(acks)],
        ai_attempts=round(attempts),
        ai_failures=round(failures),
    )
